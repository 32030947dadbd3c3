"""By what Redis is asked while pages are looked at: all of it by functions that REST has, and nothing is written."""

import threading
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from redis.asyncio import Redis
from starlette.requests import Request

from services.api.pages.visits import Visit
from shared.actions.accounts.visits import Accounts, Visitor
from shared.settings import Settings
from tests.calls import VAULT
from tests.pages.browser import Browser
from tests.pages.crons import filling as crons
from tests.pages.seam.reading import PAGES, ROOT
from tests.pages.seam.watching import INSTALLATION, watching
from tests.pages.settings import filling as settings_of
from tests.pages.test_every_page import ROWS, filled
from tests.pages.work import filling as work

LOOKS = [path for path, method in ROWS if method == "GET" and not path.endswith("/live")]
OF_THE_SESSION = {"find_session"}
"""It notes when the session was used last."""
OVERVIEWS = ("/", "/t/{team}", "/system", "/sign-in", "/welcome")
"""They show it, or lead to the overview."""


@pytest.fixture
async def full(owner: Browser, redis: Redis) -> Browser:
    await crons.fill(redis)
    await work.dead(redis, 3)
    await settings_of.fill(redis)
    await owner.send(await owner.open("/t/1/settings/api"), name="agent")
    await owner.post("/t/1/dead-letters/1/replay", once="once", how_many="all", expected="3", rate="1")
    return owner


async def test_a_look_asks_by_functions_of_operations_and_writes_nothing(full: Browser) -> None:
    past, written, asked = {}, {}, 0
    for path in LOOKS:
        with watching() as found:
            page = await full.open(filled(path))
        assert page.status < 500
        past[path] = {one.by for one in found.past()}
        written[path] = found.written() - OF_THE_SESSION
        asked += len(found)

    assert asked > 500  # else nothing was watched
    assert {path: names for path, names in past.items() if names and path not in OVERVIEWS} == {}
    assert set().union(*past.values()) <= INSTALLATION
    assert {path: names for path, names in written.items() if names} == {}


SCRATCH = f"{PAGES}/scratch.py"
WAYS = {
    "asks Redis": (SCRATCH, "async def show(visit):\n    await visit.having.redis.get('x')"),
    "asks by a name that is made": (
        SCRATCH,
        "async def show(visit):\n    await getattr(visit.having, 're' + 'dis').get('x')",
    ),
    "asks beside itself": (
        SCRATCH,
        "import asyncio\nasync def show(visit):\n    await asyncio.gather(visit.having.redis.get('x'))",
    ),
    "calls a transition": (
        SCRATCH,
        "from shared.store import transitions\nfrom shared.store.keyspace import Team\n"
        "async def show(visit):\n    await transitions.read_queues(visit.having.redis, Team(1), [1])",
    ),
    "looks into the application": (
        SCRATCH,
        "async def show(visit):\n    await visit.request.app.state.redis.get('x')",
    ),
    "calls it by a helper elsewhere": (
        "services/api/quick.py",
        "from shared.store import transitions\nfrom shared.store.keyspace import Team\n"
        "async def show(visit):\n    await transitions.read_queues(visit.having.redis, Team(1), [1])",
    ),
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_way_past_the_operations_is_noticed(redis: Redis, way: str) -> None:
    where, text = WAYS[way]

    with watching(threading.current_thread().name) as found:
        await handler(where, text)(visit_of(redis))

    assert found.past() != set()


async def test_a_page_that_calls_an_action_is_not_past_them(redis: Redis) -> None:
    text = (
        "from shared.actions import queues\nfrom shared.schemas.base import PageQuery\n"
        "from shared.store.keyspace import Team\n"
        "async def show(visit):\n    await queues.page(visit.having.redis, Team(1), PageQuery())"
    )

    with watching(threading.current_thread().name) as found:
        await handler(SCRATCH, text)(visit_of(redis))

    assert len(found) > 0
    assert (found.past(), found.written()) == (set(), set())


async def test_a_write_is_told_from_a_look(redis: Redis) -> None:
    with watching(threading.current_thread().name) as found:
        await redis.set("x", "y")
        await work.made(redis)

    assert {"set", "create_jobs"} <= found.written()


def handler(module: str, text: str) -> Callable[[Visit], Awaitable[Any]]:
    """What a module of that path would have as `show`."""
    names: dict[str, Any] = {}
    exec(compile(text, str(ROOT / module), "exec"), names)
    return names["show"]  # type: ignore[no-any-return]


def visit_of(redis: Redis) -> Visit:
    app = SimpleNamespace(state=SimpleNamespace(redis=redis))
    request = Request({"type": "http", "headers": [], "app": app})
    return Visit(request, Accounts.of(redis, VAULT, Settings()), Visitor(""))
