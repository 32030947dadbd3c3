"""What pages of jobs, queues and dead letters share: their searches, and links that keep the rest."""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from services.api.pages.lists import page_of
from services.api.pages.visits import Visit
from shared.security.sessions import Signed

MOST_CHARACTERS = 500


def given(visit: Visit, name: str, most: int = MOST_CHARACTERS) -> str:
    """What the address says of it, as far as anything can be so long."""
    return visit.request.query_params.get(name, "").strip()[: most + 1]


def id_given(visit: Visit, name: str) -> int | None:
    """An id in the query of the address; what can be none is left out."""
    text = given(visit, name, 16)
    is_id = text.isascii() and text.isdecimal() and 0 < len(text) <= 15 and not text.startswith("0")
    return int(text) if is_id else None


def link(path: str, parts: Mapping[str, object]) -> str:
    """An address with those parts that say something."""
    query = urlencode({name: str(value) for name, value in parts.items() if value}, quote_via=quote)
    return f"{path}?{query}" if query else path


def base_of(signed: Signed) -> str:
    assert signed.team
    return f"/t/{signed.team.id}"


def page_query(visit: Visit) -> dict[str, int]:
    return {"page": page_of(visit), "per_page": 25}
