"""The keys of the pages, and how somebody turns them off in a browser."""

from starlette.responses import Response

from services.api.pages.endpoint import page, to
from services.api.pages.forms import Form
from services.api.pages.rendering import rendered
from services.api.pages.shell import team_page
from services.api.pages.visits import KEYS, Visit

PATH = "/t/{team}/keys"
ANYWHERE = (
    "/: search or jump",
    "g: then o c q j d a s: go to a page",
    "n: new",
    "u: my zone or UTC",
    "s: live or stopped",
    "t: light, dark, as the system",
    "?: these keys",
    "esc: out of a field, close, clear, back",
)
IN_A_LIST = (
    "j k: next, previous row",
    "↵: open",
    "x: choose",
    "shift x: choose up to here",
    "a: choose all that are shown",
    "h l: page before, next",
    "v: another view",
)
ON_A_THING = (
    "r: run now, replay",
    "p: pause, resume",
    "e: edit",
    "y: copy as curl",
    "[ ]: previous, next attempt",
    "ctrl ↵: send the form (⌘ ↵ too)",
)
GROUPS = tuple(
    (name, [line.partition(": ")[::2] for line in lines])
    for name, lines in (("Anywhere", ANYWHERE), ("In a list", IN_A_LIST), ("On a thing", ON_A_THING))
)
"""By where they do something: keys, and what they do."""


async def show(visit: Visit) -> Response:
    """A page; and of it the table alone for who has opened it over another page."""
    signed = await visit.in_team()
    if "hx-request" in visit.request.headers:
        return rendered("live/keys_box.html", groups=GROUPS)
    return await team_page(visit, signed, "live/keys.html", section="", groups=GROUPS)


async def turn(visit: Visit, form: Form) -> Response:
    await visit.signed()
    return visit.remembering(to("/me"), KEYS, "on" if form.has("keys") else "off")


routes = [page(PATH, show), page("/me/keys", send=turn)]
