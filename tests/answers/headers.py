"""Odd header lines."""

from tests.answers.rows import HEAD, TWO, End, Refused, Row, Taken, refused, taken

KILO = b"a" * 1000
MANY = b"X-Many: " + KILO + b"\r\n"


def shown(name: str, lines: bytes, header: str, value: str) -> Row:
    """A header that is taken, and what is kept of it."""
    return Row(name, HEAD + lines + TWO, Taken(200, "ok", shows=(header, value)))


ROWS = (
    shown("folded by a blank", b"X-A: one\r\n two\r\n", "x-a", "one two"),
    shown("folded by a tab", b"X-A: one\r\n\ttwo\r\n", "x-a", "one two"),
    shown("folded twice", b"X-A: one\r\n two\r\n  three\r\n", "x-a", "one two three"),
    shown("folded after nothing", b"X-A:\r\n one\r\n", "x-a", "one"),
    taken("folded length", HEAD + b"Content-Length:\r\n 2\r\n\r\nok"),
    taken("fold under the status line", HEAD + b" X-A: one\r\n" + TWO),
    taken("every line ends in LF", b"HTTP/1.1 200 OK\nX-A: a\nContent-Length: 2\n\nok"),
    shown("one line ends in LF", b"X-A: a\nX-B: b\r\n", "x-a", "a"),
    taken("status line ends in LF", b"HTTP/1.1 200 OK\n" + TWO),
    taken("head ends in CR LF LF", HEAD + b"Content-Length: 2\r\n\nok"),
    shown("line ends in CR CR LF", b"X-A: a\r\r\n", "x-a", "a"),
    taken("bare CR in a value", HEAD + b"X-A: a\rb\r\n" + TWO),
    taken("bare CR that looks like a line end", HEAD + b"X-A: a\rX-B: b\r\n" + TWO),
    refused("NUL in a value", HEAD + b"X-A: a\0b\r\n" + TWO, "X-A"),
    refused("NUL in a name", HEAD + b"X\0A: a\r\n" + TWO, "header|X"),
    taken(r"\x01 in a value", HEAD + b"X-A: a\x01b\r\n" + TWO),
    taken(r"\x1b in a value", HEAD + b"X-A: a\x1b[1mb\r\n" + TWO),
    taken(r"\x7f in a value", HEAD + b"X-A: a\x7fb\r\n" + TWO),
    shown("Latin-1 in a value", b"X-A: gr\xfcn\r\n", "x-a", "gr\u00fcn"),
    taken("UTF-8 in a value", HEAD + "X-A: grün\r\n".encode() + TWO),
    shown("empty value", b"X-A:\r\n", "x-a", ""),
    shown("no blank after the colon", b"X-A:a\r\n", "x-a", "a"),
    shown("blanks around a value", b"X-A: \t a \t \r\n", "x-a", "a"),
    shown("blank before the colon", b"X-A : a\r\n", "x-a", "a"),
    shown("tab before the colon", b"X-A\t: a\r\n", "x-a", "a"),
    taken("blank before the colon of the length", HEAD + b"Content-Length : 2\r\n\r\nok"),
    shown("brackets in a name", b"X(A): a\r\n", "x(a)", "a"),
    taken("at sign in a name", HEAD + b"X@A: a\r\n" + TWO),
    taken("slash in a name", HEAD + b"X/A: a\r\n" + TWO),
    taken("blank in a name", HEAD + b"X A: a\r\n" + TWO),
    taken("Latin-1 in a name", HEAD + b"X-Gr\xfcn: a\r\n" + TWO),
    taken("UTF-8 in a name", HEAD + "X-Grün: a\r\n".encode() + TWO),
    taken("empty name", HEAD + b": a\r\n" + TWO),
    taken("no colon", HEAD + b"no colon\r\n" + TWO),
    shown("two cookies", b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\n", "set-cookie", "b=2"),
    taken("line of 9 KB", HEAD + b"X-Long: " + KILO * 9 + b"\r\n" + TWO),
    taken("line of 60 KB", HEAD + b"X-Long: " + KILO * 60 + b"\r\n" + TWO),
    taken("line of 150 KB", HEAD + b"X-Long: " + KILO * 150 + b"\r\n" + TWO),
    taken("a thousand lines", HEAD + b"X-A: a\r\n" * 1000 + TWO),
    taken("20 KB of headers", HEAD + MANY * 20 + TWO),
    taken("70 KB of headers", HEAD + MANY * 70 + TWO),
    taken("200 KB of headers", HEAD + MANY * 200 + TWO),
    refused("300 KB of headers", HEAD + MANY * 300 + TWO, "256 KiB"),
    refused("line of 300 KB", HEAD + b"X-Long: " + KILO * 300 + b"\r\n" + TWO, "256 KiB"),
    Row("head of blank lines without end", b"\r\n" * 150_000, Refused(None, "256 KiB"), End.CLOSED),
)
