"""Odd status lines, and answers before the answer."""

from tests.answers.rows import HEAD, TWO, End, Refused, Row, Taken, taken

EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def told(status: int) -> Row:
    """A status that no list knows."""
    return Row(f"status {status:03}", b"HTTP/1.1 %03d Odd\r\n%b" % (status, TWO), Taken(status, "ok"))


def silly(name: str, answer: bytes) -> Row:
    """What starts with no status line."""
    return Row(name, answer, Refused(None, "HTTP"), End.CLOSED)


ROWS = (
    taken("nothing odd", HEAD + TWO),
    taken("no reason phrase", b"HTTP/1.1 200 \r\n" + TWO),
    taken("no blank after the status", b"HTTP/1.1 200\r\n" + TWO),
    taken("reason in UTF-8", "HTTP/1.1 200 Schön\r\n".encode() + TWO),
    taken("reason in Latin-1", b"HTTP/1.1 200 Sch\xf6n\r\n" + TWO),
    taken("reason with a tab", b"HTTP/1.1 200 All\tright\r\n" + TWO),
    taken("reason of 9 KB", b"HTTP/1.1 200 " + b"a" * 9000 + b"\r\n" + TWO),
    taken("HTTP/1.0", b"HTTP/1.0 200 OK\r\n" + TWO),
    taken("HTTP/1.0 that keeps alive", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + TWO),
    taken("HTTP/1.2", b"HTTP/1.2 200 OK\r\n" + TWO),
    taken("HTTP/2.0 in letters", b"HTTP/2.0 200 OK\r\n" + TWO),
    taken("http/1.1 in lower case", b"http/1.1 200 OK\r\n" + TWO),
    silly("ICY", b"ICY 200 OK\r\n" + TWO),
    silly("no head at all (HTTP/0.9)", b"ok\r\n"),
    silly("SSH", b"SSH-2.0-OpenSSH_9.2\r\n"),
    taken("two blanks before the status", b"HTTP/1.1  200 OK\r\n" + TWO),
    silly("status of two digits", b"HTTP/1.1 20 OK\r\n" + TWO),
    silly("status of two digits alone", b"HTTP/1.1 20\r\n" + TWO),
    silly("status of one digit alone", b"HTTP/1.1 2\r\n" + TWO),
    silly("status of four digits", b"HTTP/1.1 2000 OK\r\n" + TWO),
    silly("status in words", b"HTTP/1.1 OK\r\n" + TWO),
    told(0),
    told(99),
    told(299),
    told(600),
    told(999),
    taken("blank line before the status line", b"\r\n" + HEAD + TWO),
    taken("bare LF before the status line", b"\n" + HEAD + TWO),
    taken("three blank lines before the status line", b"\r\n\r\n\r\n" + HEAD + TWO),
    silly("blank before the status line", b" " + HEAD + TWO),
    taken("100 before the answer", CONTINUE + HEAD + TWO),
    taken("100 with a length", b"HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\n" + HEAD + TWO),
    taken("102 before the answer", b"HTTP/1.1 102 Processing\r\n\r\n" + HEAD + TWO),
    taken("103 before the answer", EARLY + HEAD + TWO),
    taken("103 and 100 before the answer", EARLY + CONTINUE + HEAD + TWO),
    taken("twenty times 103", EARLY * 20 + HEAD + TWO),
    Row(
        "101 that nobody asked for", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", Taken(101, "")
    ),
)
