"""By whose clock a page shows times: that of the browser, which its script says, or UTC."""

from datetime import datetime
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

from services.api.pages.visits import Visit
from shared.schedule import zone_data

OWN, CHOSEN = "recuro-zone", "recuro-clock"
"""Cookies: the zone of the browser, as pages.js says it, and the one that somebody pressed for."""
UTC = "UTC"


def zone_of(visit: Visit) -> str:
    """The zone in which the visitor reads times."""
    return UTC if visit.request.cookies.get(CHOSEN) == UTC else _own(visit)


def other_of(visit: Visit) -> str:
    """The one that a press of the clock shows."""
    return UTC if zone_of(visit) != UTC else _own(visit)


def clock_of(name: str) -> ZoneInfo:
    return zone_data.zone(name)


def city(name: str) -> str:
    """Berlin, New York, UTC."""
    return name.rpartition("/")[2].replace("_", " ")


async def now(visit: Visit) -> datetime:
    """By the clock of the visitor; templates show all other moments by the zone of this one."""
    return local(await visit.having.now(), zone_of(visit))


def local(moment: datetime, name: str) -> datetime:
    return moment.astimezone(clock_of(name))


def _own(visit: Visit) -> str:
    name = unquote(visit.request.cookies.get(OWN, ""))[:64]
    return name if name in zone_data.release().names else UTC


def here(visit: Visit) -> str:
    """The address of the page itself, to come back to; the start for what only takes forms."""
    if "GET" not in getattr(visit.request.scope.get("endpoint"), "methods", ("GET",)):
        return "/"
    query = visit.request.scope.get("query_string", b"").decode("ascii", "ignore")
    path = quote(visit.request.scope["path"])
    return f"{path}?{query}" if query else path
