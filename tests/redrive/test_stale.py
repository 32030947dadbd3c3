from redis.asyncio import Redis

from shared.actions.redrive import changing
from shared.schemas.dead_letters import ReplayChange
from shared.store import transitions
from shared.store.keyspace import Team
from tests import dead
from tests.calls import VAULT
from tests.redrive.replaying import begun, shown


async def test_rows_that_are_not_about_the_next_one_are_left_alone(redis: Redis, team: Team) -> None:
    _first, second = await dead.dead_letters(redis, team, 2)
    replay, began = await begun(redis, team, rate=10, change={"method": "PUT"})
    spec = await redis.get(f"{team.prefix}b:{team.id}:{second}")
    made = changing.request(second, spec, changing.of_call(ReplayChange(method="PUT"), VAULT, team))
    assert isinstance(made, changing.Made)

    left = await transitions.step_replay(
        redis, team, [made.request], replay=str(replay), most=9, now_ms=began + 1000
    )

    done = await shown(redis, team, replay)
    assert (left, done.replayed, done.skipped) == (2, 0, 0)
