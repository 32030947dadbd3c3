"""Which pages are live, and what makes each of them."""

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import unquote

from starlette.responses import Response
from starlette.routing import compile_path

from services.api.pages.crons import fire, listing, one, shell
from services.api.pages.overview import alerts, front, system
from services.api.pages.overview import shell as overview
from services.api.pages.visits import Visit
from services.api.pages.work import dead_letters, jobs, queues, replays

Look = Callable[[Visit], Awaitable[Response]]
_PAGES: tuple[tuple[str, Look], ...] = (
    (overview.PATH, front.show),
    (shell.PATH, listing.index),
    (shell.ONE, one.show),
    (fire.PATH, fire.show),
    (jobs.PATH, jobs.index),
    (jobs.ONE, jobs.show),
    (queues.PATH, queues.index),
    (queues.ONE, queues.show),
    (dead_letters.PATH, dead_letters.index),
    (dead_letters.ONE, dead_letters.show),
    (replays.PATH, replays.index),
    (replays.ONE, replays.show),
    (alerts.ALERTS, alerts.index),
    (alerts.ONE, alerts.show),
    (system.SYSTEM, system.show),
)
# What an address names is an id: a form below a list, as /jobs/new, is another page.
_COMPILED = tuple((compile_path(path.replace("}", ":int}"))[0], look) for path, look in _PAGES)


def looked(path: str, team: int) -> tuple[Mapping[str, str], Look] | None:
    """What a path names, and what makes its page; None if it is not live, or of another team."""
    for regex, look in _COMPILED:
        found = regex.fullmatch(unquote(path))
        if found and found.groupdict().get("team", str(team)) == str(team):
            return found.groupdict(), look
    return None
