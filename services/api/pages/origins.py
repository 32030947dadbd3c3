"""Where a request of a page comes from: whether the form was ours, and whether its way is encrypted."""

from urllib.parse import urlsplit

from starlette.requests import Request

from shared.errors import Forbidden
from shared.settings import Settings

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_IN_THE_OPEN = (
    "Over plain http nothing is taken from other machines, so nothing was done. Use the https address."
)
_OURS = ("same-origin", "none")
"""Of the header Sec-Fetch-Site: a page of ours, or no page at all."""
_STRANGE = (
    "This form came from another site, so nothing was done. Open the page here, and send it from there."
)


_UNKNOWN = (
    "Nothing says which page sent this form, as there is neither an Origin nor a Sec-Fetch-Site header, so "
    "nothing was done. A browser sends at least one: update it, or let the proxy before this server pass "
    "both on. A program sends the Origin header with the address of this server, or uses the REST API with "
    "a token."
)


def check(request: Request, settings: Settings) -> None:
    """Raise Forbidden unless a page of this address sent the form, by a way on which nobody listens.

    A browser always says which page did. What a form needs, as a link, is not used up by one that is refused.
    """
    if not is_secure(request, settings) and not is_on_this_machine(request):
        raise Forbidden(_IN_THE_OPEN)
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None and site not in _OURS:
        raise Forbidden(_STRANGE)
    if origin is None:
        if site is None:
            raise Forbidden(_UNKNOWN)
        return
    is_public = bool(settings.public_url) and origin.lower() == _origin(settings.public_url)
    # Where there is a public address, another name of this server may be a name of somebody else's.
    may_be_host = not settings.public_url or is_on_this_machine(request)
    is_host = may_be_host and _place(origin) == request.headers.get("host", "").lower() != ""
    if not is_public and not is_host:
        raise Forbidden(_STRANGE)


def is_secure(request: Request, settings: Settings) -> bool:
    """Whether the browser comes by https; a proxy that ends TLS says so, or RECURO_PUBLIC_URL does."""
    return settings.public_url.startswith("https://") or request.scope["scheme"] == "https"


def is_on_this_machine(request: Request) -> bool:
    """Whether the browser named this machine itself, so that nothing leaves it unencrypted."""
    return host_of(request) in _LOOPBACK


def host_of(request: Request) -> str:
    """The name of the host as the browser has it, without the port; empty if that cannot be read."""
    try:
        return urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def _origin(address: str) -> str:
    """Scheme, host and port of an address, as a browser writes them."""
    parts = urlsplit(address.lower())
    usual = {"http": ":80", "https": ":443"}.get(parts.scheme, "")
    return f"{parts.scheme}://{parts.netloc.removesuffix(usual)}"


def _place(address: str) -> str:
    """Host and port of an address; a proxy that ends TLS makes the schemes differ."""
    try:
        return urlsplit(address).netloc.lower()
    except ValueError:
        return ""
