"""Content codings: asked for by none of our requests, and not always true."""

import gzip
import zlib

from tests.answers.rows import HEAD, Row, Taken, cut, taken

GZIP = gzip.compress(b"ok", mtime=0)
ZLIB = zlib.compress(b"ok")
RAW = ZLIB[2:-4]
BROTLI = bytes.fromhex("8b00806f6b03")
ZSTD = bytes.fromhex("28b52ffd2002110000") + b"ok"
BAD_SUM = GZIP[:-8] + bytes(4) + GZIP[-4:]


def coded(coding: bytes, body: bytes) -> bytes:
    lines = b"".join(b"Content-Encoding: " + line + b"\r\n" for line in coding.split(b"\n"))
    return HEAD + lines + b"Content-Length: %d\r\n\r\n" % len(body) + body


def marked(name: str, answer: bytes) -> Row:
    """Taken by its status; what its body becomes is not said here."""
    return Row(name, answer, Taken(200, None))


ROWS = (
    taken("gzip", coded(b"gzip", GZIP)),
    taken("x-gzip", coded(b"x-gzip", GZIP)),
    taken("GZIP in upper case", coded(b"GZIP", GZIP)),
    taken("gzip in two members", coded(b"gzip", gzip.compress(b"o", mtime=0) + gzip.compress(b"k", mtime=0))),
    taken("gzip and more after it", coded(b"gzip", GZIP + b"\r\n")),
    taken("gzip over a plain body", coded(b"gzip", b"ok")),
    marked("gzip over zlib", coded(b"gzip", ZLIB)),
    cut("gzip that is cut", coded(b"gzip", GZIP[:-9])),
    marked("gzip with a false sum", coded(b"gzip", BAD_SUM)),
    Row("gzip over nothing", coded(b"gzip", b""), Taken(200, "")),
    Row("gzip on a 204", b"HTTP/1.1 204 None\r\nContent-Encoding: gzip\r\n\r\n", Taken(204, "")),
    taken("deflate", coded(b"deflate", ZLIB)),
    taken("deflate, raw", coded(b"deflate", RAW)),
    taken("deflate over a plain body", coded(b"deflate", b"ok")),
    marked("deflate over gzip", coded(b"deflate", GZIP)),
    marked("br", coded(b"br", BROTLI)),
    taken("br over a plain body", coded(b"br", b"ok")),
    marked("zstd", coded(b"zstd", ZSTD)),
    taken("zstd over a plain body", coded(b"zstd", b"ok")),
    taken("gzip, gzip", coded(b"gzip, gzip", gzip.compress(GZIP, mtime=0))),
    taken("gzip, deflate", coded(b"gzip, deflate", zlib.compress(GZIP))),
    taken("gzip and gzip, in two lines", coded(b"gzip\ngzip", gzip.compress(GZIP, mtime=0))),
    marked("gzip, gzip, packed once", coded(b"gzip, gzip", GZIP)),
    taken("identity", coded(b"identity", b"ok")),
    taken("identity, gzip", coded(b"identity, gzip", GZIP)),
    taken("gzip, identity", coded(b"gzip, identity", GZIP)),
    taken("no coding named", coded(b"", b"ok")),
    taken("none", coded(b"none", b"ok")),
    taken("UTF-8 as a coding", coded(b"UTF-8", b"ok")),
    taken("aws-chunked", coded(b"aws-chunked", b"ok")),
)
