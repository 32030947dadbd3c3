"""Long lists on pages: which part is shown, what is looked for, and what is done to many at once."""

from typing import NamedTuple

from starlette.responses import Response

from services.api.pages.forms import Form
from services.api.pages.shell import Question, team_page
from services.api.pages.visits import Visit
from shared.schemas.base import SEARCHED
from shared.schemas.bulk.results import BulkProgress, BulkResult
from shared.security.sessions import Signed

PER_PAGE = 50
MOST_DIGITS, _DIGITS_OF_ID = 6, 15
MOST_CHARACTERS = 200
NO_SEARCH = "No search says which ones are all of these. Choose some of them, or search for something."


def page_of(visit: Visit, name: str = "page") -> int:
    """The number in the address; what is none stands for the first page."""
    text = visit.request.query_params.get(name, "")
    is_number = text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS
    return max(1, int(text)) if is_number else 1


def search_of(visit: Visit) -> str:
    return visit.request.query_params.get("search", "").strip()[:MOST_CHARACTERS]


class Meant(NamedTuple):
    """Rows that something is done to: those that are chosen, or all that a search finds."""

    ids: tuple[int, ...]
    q: str

    @property
    def fields(self) -> dict[str, object]:
        """Of a `Bulk`."""
        return {SEARCHED: self.q} if self.q else {"ids": self.ids}


def chosen(form: Form, q: str) -> Meant:
    """Those that a form has chosen, or all that `q` finds if all are meant, however many rows are."""
    if form.has("all"):
        return Meant((), q)
    numbers = (name[3:] for name in form.fields if name.startswith("id-"))
    ids = (int(each) for each in numbers if each.isdecimal() and len(each) <= _DIGITS_OF_ID)
    return Meant(tuple(sorted(ids)), "")


class Asking(NamedTuple):
    """What is asked before it is done to so many; the form goes to `address`."""

    section: str
    action: str
    question: Question
    number: int
    address: str
    back: str


async def ask(visit: Visit, signed: Signed, asking: Asking, meant: Meant) -> Response:
    """The page that asks; its form says how many they were, and does nothing to more."""
    given = {**asking._asdict(), "trail": asking.section.capitalize(), "search": meant.q, "ids": meant.ids}
    return await team_page(visit, signed, "many.html", form=Form(), **given)


def done_to(doing: str, result: BulkResult | BulkProgress) -> str:
    """2 paused, 1 already so; of what goes on in the background how many there are."""
    if isinstance(result, BulkProgress) and result.ended_at is None:
        return f"{result.matched:,} are being {doing}, one after the other. This list shows how far it is."
    parts = [f"{result.done:,} {doing}"]
    if result.unchanged:
        parts.append(f"{result.unchanged:,} already so")
    if result.missing:
        parts.append(f"{result.missing:,} not there any more")
    if result.refused:
        parts.append(f"{result.refused:,} refused: {result.refusals[0].reason}")
    return f"{', '.join(parts).rstrip('.')}."
