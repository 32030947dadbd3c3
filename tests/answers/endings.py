"""How connections end, and answers that come too early."""

from tests.answers.rows import CUT, HEAD, OK, TWO, End, Refused, Row, Taken, taken

CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
LARGE = b"HTTP/1.1 413 Too Large\r\nConnection: close\r\n" + TWO
NO = Taken(413, "ok")
MEGABYTES = 8_000_000


def encrypted(name: str, answer: bytes, end: End, ours: Taken = OK) -> Row:
    return Row(f"TLS: {name}", answer, ours, end, is_encrypted=True)


def told(name: str, answer: bytes, end: End = End.CLOSED) -> Row:
    """A head that is cut: its status has been told."""
    return Row(name, answer, Taken(200, "", is_truncated=True), end)


ROWS = (
    taken("closed right after the answer", HEAD + TWO, End.CLOSED),
    taken("reset right after the answer", HEAD + TWO, End.RESET),
    taken("reset right after the last chunk", CHUNKED + b"2\r\nok\r\n0\r\n\r\n", End.RESET),
    Row("closed without an answer", b"", Refused(None, "without an answer"), End.CLOSED),
    Row("reset without an answer", b"", Refused(None, "without an answer"), End.RESET),
    Row("closed within the status line", b"HTTP/1.1 2", Refused(None, "answer"), End.CLOSED),
    told("closed after the status line", HEAD),
    told("closed within a header line", HEAD + b"X-A: a"),
    told("closed before the blank line", HEAD + b"Content-Length: 2\r\n"),
    told("reset before the blank line", HEAD + b"Content-Length: 2\r\n", End.RESET),
    encrypted("left open", HEAD + TWO, End.OPEN),
    encrypted("length, then close_notify", HEAD + TWO, End.CLOSED),
    encrypted("length, then no close_notify", HEAD + TWO, End.CUT),
    encrypted("length, then reset", HEAD + TWO, End.RESET),
    encrypted("until the end, with close_notify", HEAD + b"\r\nok", End.CLOSED),
    encrypted("until the end, without close_notify", HEAD + b"\r\nok", End.CUT, CUT),
    encrypted("chunks, without close_notify", CHUNKED + b"2\r\nok\r\n0\r\n\r\n", End.CUT),
    encrypted("last chunk missing, without close_notify", CHUNKED + b"2\r\nok\r\n", End.CUT, CUT),
    encrypted("length larger, without close_notify", HEAD + b"Content-Length: 9\r\n\r\nok", End.CUT, CUT),
    Row("answer before the request was read, then read", HEAD + TWO, OK, upload=MEGABYTES),
    Row("413 before the request was read, then closed", LARGE, NO, End.CLOSED, upload=MEGABYTES),
    Row("413 before the request was read, then reset", LARGE, NO, End.RESET, upload=MEGABYTES),
)
