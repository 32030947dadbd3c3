"""How long a body is, where no chunks say it."""

from tests.answers.rows import CUT, HEAD, OK, End, Row, Taken, cut, refused, taken

BODY = b"\r\nok"
NOT_MODIFIED = b"HTTP/1.1 304 Not Modified\r\n"


def length(value: bytes, body: bytes = b"ok") -> bytes:
    return HEAD + b"Content-Length: " + value + b"\r\n\r\n" + body


ROWS = (
    taken("length twice, equal", HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok"),
    taken("length 2, 2", length(b"2, 2")),
    taken("length 2,2", length(b"2,2")),
    taken("length 02", length(b"02")),
    taken("length with a tab before it", length(b"\t2")),
    taken("length with a blank after it", length(b"2 ")),
    taken("equal lengths, spelt differently", HEAD + b"Content-Length: 2\r\nContent-Length: 02\r\n\r\nok"),
    refused(
        "lengths that differ", HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok", "Content-Length"
    ),
    refused("length 2, 3", length(b"2, 3"), "Content-Length"),
    refused("length -2", length(b"-2"), "Content-Length"),
    refused("length +2", length(b"+2"), "Content-Length"),
    refused("length 0x2", length(b"0x2"), "Content-Length"),
    refused("length 2.0", length(b"2.0"), "Content-Length"),
    refused("length 2;", length(b"2;"), "Content-Length"),
    refused("length in words", length(b"two"), "Content-Length"),
    refused("length empty", length(b""), "Content-Length"),
    cut("length over 64 bits", length(b"99999999999999999999")),
    cut("length of 64 bits, then closed", length(b"18446744073709551615")),
    cut("length larger than the body, then closed", length(b"9")),
    cut("length larger than the body, then reset", length(b"9"), End.RESET),
    Row("length and no body, then closed", length(b"9", b""), Taken(200, "", is_truncated=True), End.CLOSED),
    Row("500 cut short", length(b"9").replace(b"200 OK", b"500 No"), Taken(500, "ok", True), End.CLOSED),
    taken("length smaller than the body, left open", length(b"2", b"ok and more")),
    taken("length smaller than the body, then closed", length(b"2", b"ok and more"), End.CLOSED),
    taken("length smaller, connection: close", HEAD + b"Connection: close\r\n" + length(b"2", b"ok!")[17:]),
    taken("a second answer nobody asked for", length(b"2") + length(b"4", b"evil")),
    taken("no length, then closed", HEAD + BODY, End.CLOSED),
    taken("no length, connection: close", HEAD + b"Connection: close\r\n" + BODY, End.CLOSED),
    taken("no length, connection: keep-alive", HEAD + b"Connection: keep-alive\r\n" + BODY, End.CLOSED),
    taken("no length, HTTP/1.0", b"HTTP/1.0 200 OK\r\n" + BODY, End.CLOSED),
    Row("no length, then reset", HEAD + BODY, CUT, End.RESET),
    Row("no length and no body, then closed", HEAD + b"\r\n", Taken(200, ""), End.CLOSED),
    Row("204 with a length", b"HTTP/1.1 204 None\r\nContent-Length: 2\r\n\r\n", Taken(204, "")),
    Row("204 with a body", b"HTTP/1.1 204 None\r\nContent-Length: 2\r\n\r\nok", Taken(204, "")),
    Row("204 with a body and no length", b"HTTP/1.1 204 None\r\n\r\nok", Taken(204, "")),
    Row("204 in chunks", b"HTTP/1.1 204 None\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", Taken(204, "")),
    Row("205 with a body", b"HTTP/1.1 205 Reset\r\nContent-Length: 2\r\n\r\nok", Taken(205, "ok")),
    Row("304 with a length", NOT_MODIFIED + b"Content-Length: 2\r\n\r\n", Taken(304, "")),
    Row("304 with a body", NOT_MODIFIED + b"Content-Length: 2\r\n\r\nok", Taken(304, "")),
    Row("length 0", length(b"0", b""), Taken(200, "")),
    Row("upper-case names", HEAD + b"CONTENT-LENGTH: 2\r\nCONNECTION: CLOSE\r\n\r\nok", OK),
)
