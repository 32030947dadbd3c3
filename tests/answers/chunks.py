"""Bodies in chunks, and what claims to be one."""

from tests.answers.rows import HEAD, End, Row, Taken, cut, taken

CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"
CHUNKS = b"2\r\nok\r\n" + LAST


def coded(*codings: bytes, body: bytes = CHUNKS, length: bytes = b"") -> bytes:
    lines = b"".join(b"Transfer-Encoding: " + coding + b"\r\n" for coding in codings)
    return HEAD + lines + (b"Content-Length: " + length + b"\r\n" if length else b"") + b"\r\n" + body


def broken(name: str, answer: bytes) -> Row:
    """A first chunk that cannot be read: the body stops before it."""
    return Row(name, answer, Taken(200, "", is_truncated=True), End.CLOSED)


ROWS = (
    taken("in chunks", CHUNKED + CHUNKS),
    taken("in chunks, HTTP/1.0", CHUNKED.replace(b"1.1", b"1.0") + CHUNKS, End.CLOSED),
    taken("Chunked in upper case", coded(b"CHUNKED")),
    taken("chunked twice, in two lines", coded(b"chunked", b"chunked")),
    taken("chunked, chunked", coded(b"chunked, chunked")),
    taken("chunked with a comma after it", coded(b"chunked,")),
    taken("chunked with a blank after it", coded(b"chunked ")),
    taken("identity, then closed", coded(b"identity", body=b"ok"), End.CLOSED),
    taken("identity with a length", coded(b"identity", body=b"ok", length=b"2")),
    taken("identity, chunked", coded(b"identity, chunked")),
    taken("chunked and a length", coded(b"chunked", length=b"2")),
    taken("chunked and another length", coded(b"chunked", length=b"999"), End.CLOSED),
    taken("gzip, chunked as transfer coding", coded(b"gzip, chunked"), End.CLOSED),
    taken("gzip as transfer coding, then closed", coded(b"gzip", body=b"ok"), End.CLOSED),
    taken("chunked, identity", coded(b"chunked, identity"), End.CLOSED),
    Row("xchunked", coded(b"xchunked"), Taken(200, None), End.CLOSED),
    taken("blank after a size", CHUNKED + b"2 \r\nok\r\n" + LAST),
    taken("blanks after a size", CHUNKED + b"2      \r\nok\r\n0     \r\n\r\n"),
    taken("tab after a size", CHUNKED + b"2\t\r\nok\r\n" + LAST),
    taken("blank before a size", CHUNKED + b" 2\r\nok\r\n" + LAST),
    taken("extension", CHUNKED + b"2;a=b\r\nok\r\n" + LAST),
    taken("extension after a blank", CHUNKED + b"2 ; a=b\r\nok\r\n" + LAST),
    taken("extension without value", CHUNKED + b"2;a\r\nok\r\n0;b\r\n\r\n"),
    taken("extension in quotes", CHUNKED + b'2;a="b;c"\r\nok\r\n' + LAST),
    taken("extension of 9 KB", CHUNKED + b"2;a=" + b"b" * 9000 + b"\r\nok\r\n" + LAST),
    Row("size in upper case", CHUNKED + b"A\r\n" + b"0123456789\r\n" + LAST, Taken(200, "0123456789")),
    taken("size with zeros before it", CHUNKED + b"0002\r\nok\r\n000\r\n\r\n"),
    taken("size of twenty digits", CHUNKED + b"2".zfill(20) + b"\r\nok\r\n" + LAST),
    taken("many chunks", CHUNKED + b"1\r\no\r\n1\r\nk\r\n" + LAST),
    broken("size 0x2", CHUNKED + b"0x2\r\nok\r\n" + LAST),
    broken("size +2", CHUNKED + b"+2\r\nok\r\n" + LAST),
    broken("size -2", CHUNKED + b"-2\r\nok\r\n" + LAST),
    broken("size in words", CHUNKED + b"two\r\nok\r\n" + LAST),
    broken("size empty", CHUNKED + b"\r\nok\r\n" + LAST),
    broken("size over 64 bits", CHUNKED + b"fffffffffffffffff\r\nok"),
    cut("chunk longer than its size", CHUNKED + b"2\r\nokay\r\n" + LAST),
    taken("every chunk line ends in LF", CHUNKED + b"2\nok\n0\n\n"),
    taken("a size ends in LF", CHUNKED + b"2\nok\r\n0\r\n\r\n"),
    taken("a chunk ends in LF", CHUNKED + b"2\r\nok\n0\r\n\r\n"),
    taken("trailer", CHUNKED + b"2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"),
    taken("folded trailer", CHUNKED + b"2\r\nok\r\n0\r\nX-Sum: 1\r\n 2\r\n\r\n"),
    taken("length as a trailer", CHUNKED + b"2\r\nok\r\n0\r\nContent-Length: 2\r\n\r\n", End.CLOSED),
    taken("trailer without colon", CHUNKED + b"2\r\nok\r\n0\r\nno colon\r\n\r\n", End.CLOSED),
    cut("last chunk missing, then closed", CHUNKED + b"2\r\nok\r\n"),
    cut("last chunk missing, then reset", CHUNKED + b"2\r\nok\r\n", End.RESET),
    cut("closed within a chunk", CHUNKED + b"9\r\nok"),
    cut("closed after the last size", CHUNKED + b"2\r\nok\r\n0"),
    taken("last line end missing, then closed", CHUNKED + b"2\r\nok\r\n0\r\n", End.CLOSED),
    taken("closed within a trailer", CHUNKED + b"2\r\nok\r\n0\r\nX-Sum: 1\r\n", End.CLOSED),
)
