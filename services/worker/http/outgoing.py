"""A request as it shall leave, and the bytes that it is on its way."""

import re
from typing import NamedTuple

from services.worker.http.proxy import Proxy
from shared.basics.memory import MEBIBYTE, remembered
from shared.schemas.assertions import Assertion
from shared.security.addresses import Refusal
from shared.security.destinations import Destination

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_FRAMING = frozenset(("host", "content-length", "transfer-encoding", "connection", "upgrade", "expect"))
_WITH_BODY = frozenset(("POST", "PUT", "PATCH"))


class Outgoing(NamedTuple):
    """A request as it shall leave; `timeout_seconds` covers name lookup to last byte."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes | None
    timeout_seconds: float
    assertions: tuple[Assertion, ...] = ()
    team: int = 0
    """Whose it is: teams share what they all need by turns."""
    redact: tuple[str, ...] = ()
    """What is not kept of it and of its answer."""


class InvalidRequest(Refusal):
    """A method or header that would not arrive as what it is."""


def written(call: Outgoing, to: Destination, proxy: Proxy | None = None) -> bytes:
    """Raises InvalidRequest; names and values were checked when they were accepted, framing hangs on it."""
    names = _names(tuple(call.headers))
    # A proxy gets the whole URL (RFC 9112, 3.2.2); what is encrypted it carries unseen.
    is_proxied = proxy is not None and to.origin.scheme == "http"
    target = str(to) if is_proxied else to.target
    lines = [f"{call.method} {target} HTTP/1.1", f"Host: {to.authority}", "Accept-Encoding: identity"]
    if proxy is not None and is_proxied:
        lines += proxy.headers
    lines += [f"{name}: {value}" for name, value in call.headers.items()]
    if "accept" not in names:
        lines.append("Accept: */*")
    if call.body is not None or call.method in _WITH_BODY:
        lines.append(f"Content-Length: {len(call.body or b'')}")
    head, breaks = "\r\n".join(lines), len(lines) - 1
    if head.count("\r") != breaks or head.count("\n") != breaks or "\0" in head:
        raise InvalidRequest("A header of the request cannot be sent.")
    if not _TOKEN.match(call.method):
        raise InvalidRequest("The method of the request cannot be sent.")
    try:
        return f"{head}\r\n\r\n".encode("latin-1") + (call.body or b"")
    except UnicodeEncodeError:
        raise InvalidRequest("A header of the request holds a character outside Latin-1.") from None


@remembered(2 * MEBIBYTE, per_byte=4)
def _names(names: tuple[str, ...]) -> frozenset[str]:
    """Headers' names in lower case; raises InvalidRequest if one is none, or one that frames a message."""
    lower = frozenset(name.lower() for name in names)
    if lower & _FRAMING or not all(map(_TOKEN.match, names)):
        raise InvalidRequest("A header of the request has a name that cannot be sent.")
    return lower
