"""The jump box: crons and queues by name, jobs by id, pages by what they are called."""

from collections.abc import AsyncIterator
from typing import NamedTuple
from urllib.parse import quote

from starlette.responses import Response

from services.api.pages.crons import saying
from services.api.pages.endpoint import page
from services.api.pages.rendering import rendered
from services.api.pages.shell import team_page
from services.api.pages.visits import Visit
from services.api.pages.work import around
from services.api.pages.work import words as work_words
from shared.actions import crons, jobs, queues
from shared.errors import NotFound
from shared.schemas.base import SEARCHED, PageQuery
from shared.schemas.crons import CronQuery
from shared.security.sessions import Signed

PATH = "/t/{team}/jump"
MOST, MOST_CHARACTERS, MOST_DIGITS = 5, 200, 15
"""Of each kind; of what is looked for; of an id."""
_PAGES = (
    ("Crons", "i-crons", "crons"),
    ("Crons, day", "i-crons", "crons/day"),
    ("Crons, month", "i-crons", "crons/month"),
    ("New cron", "i-crons", "crons/new"),
    ("Queues", "i-queues", "queues"),
    ("New queue", "i-queues", "queues/new"),
    ("Jobs", "i-jobs", "jobs"),
    ("New job", "i-jobs", "jobs/new"),
    ("Dead letters", "i-dead", "dead-letters"),
    ("Replays", "i-dead", "replays"),
    ("API tokens", "i-settings", "settings/api"),
    ("Members", "i-members", "settings/members"),
    ("Team", "i-team", "settings/team"),
    ("Keys", "i-settings", "keys"),
)
_FOR_ADMINS, _FOR_WRITERS = ("settings/api",), ("crons/new", "jobs/new", "queues/new")


class Found(NamedTuple):
    """Where to go: a shape with its colour, a name, what it is, and its address."""

    icon: str
    tone: str
    name: str
    below: str
    href: str


async def jump(visit: Visit) -> Response:
    """A page; and of it the box alone for who has opened one over another page."""
    signed = await visit.in_team()
    q = around.given(visit, SEARCHED, MOST_CHARACTERS)[:MOST_CHARACTERS]
    path = f"{around.base_of(signed)}/jump"
    found = [one async for one in _found(visit, signed, q)]
    if "hx-request" in visit.request.headers:
        return rendered("live/box.html", q=q, path=path, found=found)
    return await team_page(visit, signed, "live/jump.html", section="", q=q, path=path, found=found)


async def _found(visit: Visit, signed: Signed, q: str) -> AsyncIterator[Found]:
    base, call = around.base_of(signed), visit.call(signed, "list-crons")
    if q:
        async for one in _jobs(visit, signed, q):
            yield one
        for cron in (await crons.page(call.redis, call.team, CronQuery(search=q, per_page=MOST))).data:
            state = saying.state_of(cron)
            below = f"cron {cron.id}, {state.words.lower()}"
            yield Found(state.icon, state.tone, cron.name, below, f"{base}/crons/{cron.id}")
        for queue in (await queues.page(call.redis, call.team, PageQuery(search=q, per_page=MOST))).data:
            below = f"queue, {queue.counts.pending:,} waiting"
            yield Found("i-queues", "", queue.name, below, f"{base}/queues/{queue.id}")
    for name, icon, rest in _PAGES:
        is_theirs = signed.role == "admin" or rest not in _FOR_ADMINS
        may = signed.caller.has("write") or rest not in _FOR_WRITERS
        if q.lower() in name.lower() and is_theirs and may:
            yield Found(icon, "", name, "", f"{base}/{rest}")
    if q:
        yield Found("i-search", "", f"Jobs that are found by {q}", "", f"{base}/jobs?q={quote(q)}")


async def _jobs(visit: Visit, signed: Signed, q: str) -> AsyncIterator[Found]:
    """That of the id, if it is one."""
    if not (q.isascii() and q.isdecimal() and len(q) <= MOST_DIGITS and int(q)):
        return
    call = visit.call(signed, "get-job")
    try:
        job = await jobs.get(call.redis, call.team, int(q))
    except NotFound:
        return
    said = work_words.state(job)
    below = f"{said.text.lower()}, {job.url}"
    yield Found(said.icon, said.colour, f"Job {job.id}", below, f"{around.base_of(signed)}/jobs/{job.id}")


routes = [page(PATH, jump)]
