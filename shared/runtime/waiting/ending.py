"""How one call waits for the end of what it is about."""

from dataclasses import dataclass

from shared.errors import RecuroError
from shared.runtime.serving.hang_up import HangUp
from shared.runtime.waiting.waits import Check, R, Sought, Waits


@dataclass(slots=True)
class Ending:
    """How one call waits for the end of what it is about, and whether it came."""

    waits: Waits
    hang_up: HangUp | None = None
    """Nobody tells of it where it is missing: a wait ends when its seconds are over then."""
    check: Check | None = None
    seconds: int | None = None
    """None: it does not wait, and is answered as always."""
    has_come: bool = False
    at: str = ""
    """Where to ask on, as a path."""

    @property
    def retry_seconds(self) -> int:
        """After how long to ask on: at once, but not a process that is about to end."""
        return int(self.waits.is_stopping)

    async def wait(self, sought: Sought[R], seconds: int, at: str) -> R | None:
        """The record after the wait; raises what `ended` and `check` raise."""
        self.seconds, self.at = seconds, f"{at}?wait={seconds}"
        try:
            self.has_come, found = await self.waits.ended(sought, seconds, self.hang_up, self.check)
        except RecuroError:
            await self._check()  # who may not call any more does not learn what is wrong with it either
            raise
        await self._check()
        return found

    async def _check(self) -> None:
        if self.seconds and self.check:
            await self.check.run()
