"""Checks twice a second, while a row runs, that the ledger adds up."""

import asyncio
import threading
from dataclasses import dataclass
from types import TracebackType

from redis.exceptions import RedisError

from shared.settings import Settings
from shared.store import connection, ledger
from shared.store.keyspace import Team

PERIOD_SECONDS, PATIENCE_SECONDS = 0.5, 5.0
NOUNS = ("job", "execution")


@dataclass(frozen=True, slots=True)
class Broken:
    """A sample at which the ledger did not add up."""

    team: int
    noun: str
    counts: ledger.Ledger


class Watch:
    """`with Watch(settings, teams):` samples in a thread of its own, bypassing the proxy."""

    def __init__(self, settings: Settings, teams: tuple[Team, ...]) -> None:
        self.samples = 0
        self.unread = 0
        """Samples for which Redis was away."""
        self.broken: list[Broken] = []
        self._settings, self._teams = settings, teams
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._keep_looking()), name="watch")

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    async def _keep_looking(self) -> None:
        while not self._stop.is_set():
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self._look()
            except (RedisError, OSError):  # TimeoutError is an OSError
                self.unread += 1
            await asyncio.sleep(PERIOD_SECONDS)

    async def _look(self) -> None:
        async with connection.connect(self._settings) as redis:
            for team in self._teams:
                for noun in NOUNS:
                    counts = await ledger.read(redis, team, noun)
                    if not counts.holds:
                        self.broken.append(Broken(team.id, noun, counts))
        self.samples += 1
