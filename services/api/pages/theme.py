"""Whether pages are light or dark: as the reader's system says, or as was chosen in this browser."""

from starlette.responses import Response

from services.api.pages import zones
from services.api.pages.endpoint import page
from services.api.pages.forms import Form
from services.api.pages.rendering import AS_SYSTEM, THEME, theme_of
from services.api.pages.visits import Visit

ORDER = (AS_SYSTEM, "light", "dark")
"""As a press after another shows them."""


def following(visit: Visit) -> str:
    """The one that a press shows."""
    here = ORDER.index(theme_of(visit.request))
    return ORDER[(here + 1) % len(ORDER)]


async def choose(visit: Visit, form: Form) -> Response:
    await visit.signed()
    wanted = next((one for one in ORDER if one == form.get("theme")), AS_SYSTEM)
    return visit.remembering(zones.back(form), THEME, wanted)


routes = [page("/theme", send=choose)]
