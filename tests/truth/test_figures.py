"""A thousand jobs of known outcome, whose figures are recounted; the fault suite does it with ten thousand."""

from redis.asyncio import Redis

from shared.settings import Settings
from shared.store.keyspace import Team
from tests.truth.acts import play_and_compare


async def test_all_that_is_said_of_a_thousand_jobs_is_what_the_targets_saw(
    redis: Redis, team: Team, settings: Settings, token: str
) -> None:
    seen = await play_and_compare(redis, team, settings, token, jobs=1000, minutes=50)

    assert seen > 1000
