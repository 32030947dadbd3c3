"""Long lists on pages: which part of one is shown, and what is looked for in it."""

from services.api.pages.visits import Visit

PER_PAGE = 50
MOST_DIGITS = 6
MOST_CHARACTERS = 200


def page_of(visit: Visit, name: str = "page") -> int:
    """The number in the address; what is none stands for the first page."""
    text = visit.request.query_params.get(name, "")
    is_number = text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS
    return max(1, int(text)) if is_number else 1


def search_of(visit: Visit) -> str:
    return visit.request.query_params.get("search", "").strip()[:MOST_CHARACTERS]
