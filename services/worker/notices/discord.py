"""Discord: a message by a webhook.

Its API means seconds by `Retry-After`, or milliseconds where the URL names no new version.
"""

import re
from urllib.parse import urlsplit

from pydantic_core import to_json

from services.worker.http.exchange import Exchange
from services.worker.http.outgoing import Outgoing
from services.worker.notices.announcement import Announcement
from services.worker.notices.messages import Message
from shared.schemas.notifications import Hook
from shared.security.destinations import Origin

IS_SIGNED = False
TEXT_CHARACTERS = 4096
FIRST_IN_SECONDS = 8
"""The first version of the API that says seconds; a webhook's URL, as it is copied, names none and gets 6."""
_URL_OR_MARKUP = re.compile(r"https?://[^\s<>\"“”]+|[\\*_~`|\[\]<]")
_MARKUP_IN_URL = re.compile(r"[\\*`|\[\]]")
_DOMAINS = ("discord.com", "discordapp.com")
_PATH = re.compile(r"/api/(?:v(\d{1,3})/)?")


def rendered(announcement: Announcement, settings: Hook) -> Outgoing:
    return announcement.posted(settings.url, body(announcement.message))


def body(message: Message) -> bytes:
    """The title is the first line of the text: in one of its own Discord shows the backslashes of escapes."""
    title, text = (_URL_OR_MARKUP.sub(_escaped, each) for each in (message.title, message.text))
    embed = {"description": _fitting(f"**{title}**\n{text}", TEXT_CHARACTERS), "color": message.colour}
    return to_json({"embeds": [embed], "allowed_mentions": {"parse": []}})


def _escaped(match: re.Match[str]) -> str:
    """Discord takes a URL as it stands, with any backslash in it: there, markup is encoded instead."""
    found = match[0]
    if found.startswith("http"):
        return _MARKUP_IN_URL.sub(lambda mark: f"%{ord(mark[0]):02X}", found)
    return f"\\{found}"


def _fitting(escaped: str, most: int) -> str:
    """Cut, but not between a backslash and what it escapes."""
    return escaped if len(escaped) <= most else escaped[:most].rstrip("\\")


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
