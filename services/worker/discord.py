"""What Discord's API means by `Retry-After`: seconds, or milliseconds where the URL names no new version."""

import re
from urllib.parse import urlsplit

from services.worker.http.exchange import Exchange
from shared.addresses import Origin

FIRST_IN_SECONDS = 8
"""The first version of the API that says seconds; a webhook's URL, as it is copied, names none and gets 6."""
_DOMAINS = ("discord.com", "discordapp.com")
_PATH = re.compile(r"/api/(?:v(\d{1,3})/)?")


def with_wait(exchange: Exchange, host: Origin, url: str) -> Exchange:
    """The exchange, and what it asks to wait for if that is in milliseconds."""
    if exchange.response_status != 429 or not _is_discord(host.host):
        return exchange
    said = dict(exchange.response_headers).get("retry-after", "")
    match = _PATH.match(urlsplit(url).path)
    in_milliseconds = match is not None and int(match[1] or 0) < FIRST_IN_SECONDS
    if not (in_milliseconds and _is_of_the_api(exchange) and said.isascii() and said.isdigit()):
        return exchange
    return exchange._replace(asked_wait_seconds=-(-int(said[:12]) // 1000))


def _is_discord(host: str) -> bool:
    name = host.rstrip(".")
    return name in _DOMAINS or name.endswith(tuple(f".{domain}" for domain in _DOMAINS))


def _is_of_the_api(exchange: Exchange) -> bool:
    """Else it is of the network in front of it, which bans for seconds, as RFC 9110 has it."""
    names = (name for name, _ in exchange.response_headers)
    return any(name.startswith("x-ratelimit-") for name in names) or "retry_after" in (
        exchange.response_body or ""
    )
