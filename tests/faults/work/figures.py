"""Ten thousand jobs and what is said of them: no fault, but much to count."""

from contextlib import redirect_stdout

from redis.asyncio import Redis

from services.cli import embedded
from shared.security import tokens
from shared.settings import Settings
from shared.store import connection
from tests.conftest import LOOPBACK
from tests.faults.stage import TEAM, Scene
from tests.truth.acts import play_and_compare

JOBS, MINUTES = 10_000, 100


async def figures_are_true(scene: Scene) -> None:
    """All figures, strips, problems and numbers are what the targets saw of 10,000 jobs of known outcome."""
    server = embedded.start(scene.folder / "redis")
    try:
        settings = Settings(redis_url=server.url, egress_allow=LOOPBACK, api_port=0)
        async with connection.connect(settings) as redis:
            with (scene.folder / "api.log").open("w") as said, redirect_stdout(said):
                requests = await _played(redis, settings)
            scene.story.figures |= {"jobs": JOBS, "requests": requests}
    finally:
        server.stop()


async def _played(redis: Redis, settings: Settings) -> int:
    token = await tokens.create(redis, team="one", name="test", scopes=("admin",))
    return await play_and_compare(redis, TEAM, settings, token, jobs=JOBS, minutes=MINUTES)


BOUNDED = ()
LONG = (figures_are_true,)
