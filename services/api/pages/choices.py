"""What is chosen in this browser: whether pages are light or dark, and by whose clock they show times."""

import re

from starlette.responses import Response

from services.api.pages.endpoint import page, to
from services.api.pages.forms import Form
from services.api.pages.rendering import AS_SYSTEM, THEME, theme_of
from services.api.pages.sign_in import inside
from services.api.pages.visits import Visit
from services.api.pages.zones import CHOSEN, UTC

ORDER = (AS_SYSTEM, "light", "dark")
"""Themes, as a press after another shows them."""
_QUERY = re.compile(r"[\w.~%&=+:*,-]+", re.ASCII)


def following(visit: Visit) -> str:
    """The theme that a press shows."""
    here = ORDER.index(theme_of(visit.request))
    return ORDER[(here + 1) % len(ORDER)]


async def choose_theme(visit: Visit, form: Form) -> Response:
    await visit.signed()
    wanted = next((one for one in ORDER if one == form.get("theme")), AS_SYSTEM)
    return visit.remembering(_back(form), THEME, wanted)


async def choose_zone(visit: Visit, form: Form) -> Response:
    """Show UTC from now on, or the browser's own zone again."""
    await visit.signed()
    return visit.remembering(_back(form), CHOSEN, UTC if form.get("zone") == UTC else "own")


def _back(form: Form) -> Response:
    """To the page that the form stands on."""
    path, _, query = form.get("next").partition("?")
    found = inside(path)
    return to(f"{found}?{query}" if found == path and _QUERY.fullmatch(query) else found)


routes = [page("/zone", send=choose_zone), page("/theme", send=choose_theme)]
