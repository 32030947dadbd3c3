"""Ten thousand jobs and what is said of them: no fault, but much to count."""

from redis.asyncio import Redis

from services.cli import embedded
from shared.security import tokens
from shared.settings import Settings
from shared.store import connection
from tests.conftest import LOOPBACK
from tests.faults.stage import TEAM, Scene
from tests.truth.acts import play_and_compare


async def figures_are_true(scene: Scene) -> None:
    """All figures, strips, problems and numbers are what the targets saw of 10,000 jobs of known outcome."""
    jobs, minutes = (1000, 50) if scene.is_small else (10_000, 100)
    server = embedded.start(scene.folder / "redis")
    try:
        settings = Settings(redis_url=server.url, egress_allow=LOOPBACK, api_port=0)
        async with connection.connect(settings) as redis:
            scene.story.figures["requests"] = await _played(redis, settings, jobs, minutes)
    finally:
        server.stop()
    scene.story.figures["jobs"] = jobs


async def _played(redis: Redis, settings: Settings, jobs: int, minutes: int) -> int:
    token = await tokens.create(redis, team="one", name="test", scopes=("admin",))
    return await play_and_compare(redis, TEAM, settings, token, jobs=jobs, minutes=minutes)


BOUNDED = ()
LONG = (figures_are_true,)
