"""Dead letters, and their replays."""

from shared.actions import dead_letters
from shared.operations import Call, Operation
from shared.schemas.base import Page, PageQuery
from shared.schemas.dead_letters import (
    DeadLetterQuery,
    DeadLetterSelection,
    PurgeResult,
    Replay,
    ReplayCreate,
    ReplayResult,
)
from shared.schemas.jobs import Job

PATH = "/api/dead-letters"
REPLAYS = f"{PATH}/replays"
REPLAY = f"{REPLAYS}/{{replay_id}}"


async def index(call: Call, query: DeadLetterQuery) -> Page[Job]:
    return await dead_letters.page(call.redis, call.team, query)


async def replay(call: Call, chosen: ReplayCreate) -> ReplayResult | Replay:
    """Some ids at once; with a filter or a rate in the background; or only what that would do."""
    if chosen.dry_run:
        return await dead_letters.plan(call, chosen)
    if chosen.ids is not None and chosen.is_at_once:
        return await dead_letters.replay_now(call, chosen.ids, change=chosen.change)
    return await dead_letters.replay(call, chosen)


async def purge(call: Call, chosen: DeadLetterSelection) -> PurgeResult:
    return await dead_letters.purge(call, chosen)


async def replays(call: Call, query: PageQuery) -> Page[Replay]:
    return await dead_letters.replays(call.redis, call.team, query)


async def show_replay(call: Call, replay_id: int) -> Replay:
    return await dead_letters.get_replay(call.redis, call.team, replay_id)


async def cancel_replay(call: Call, replay_id: int) -> Replay:
    return await dead_letters.cancel_replay(call, replay_id)


OPERATIONS = (
    Operation(
        "list-dead-letters",
        "GET",
        PATH,
        "read",
        index,
        {200: Page[Job]},
        query=DeadLetterQuery,
        summary="List jobs whose retries are used up",
    ),
    Operation(
        "replay-dead-letters",
        "POST",
        f"{PATH}/replay",
        "write",
        replay,
        {200: ReplayResult, 202: Replay},
        takes=ReplayCreate,
        look=f"{PATH} and {REPLAYS}",
        summary="Try dead letters again",
        example={"all": True, "rate": 10, "send_one_first": True},
    ),
    Operation(
        "purge-dead-letters",
        "POST",
        f"{PATH}/purge",
        "write",
        purge,
        {200: PurgeResult},
        takes=DeadLetterSelection,
        look=PATH,
        summary="Remove dead letters for good",
        example={"ids": [1, 2]},
    ),
    Operation(
        "list-replays",
        "GET",
        REPLAYS,
        "read",
        replays,
        {200: Page[Replay]},
        query=PageQuery,
        summary="List replays in the background",
    ),
    Operation(
        "get-replay",
        "GET",
        REPLAY,
        "read",
        show_replay,
        {200: Replay},
        summary="Get a replay and how far it is",
    ),
    Operation(
        "cancel-replay",
        "POST",
        f"{REPLAY}/cancel",
        "write",
        cancel_replay,
        {200: Replay},
        look=REPLAY,
        summary="Stop a replay",
    ),
)
