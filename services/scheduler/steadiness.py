"""Whether the clock of Redis can be believed right now."""

STEP_SECONDS = 2.0
PAUSE_SECONDS = 30.0


class Steadiness:
    """Watches the server's clock against our monotonic one: after a jump nothing is fired for a while.

    A cron that fired two hours early because the clock jumped would then be silent for two hours.
    """

    def __init__(self) -> None:
        self._offset: float | None = None
        self._pause_until = float("-inf")

    def is_steady(self, server_seconds: float, before: float, after: float) -> bool:
        """Note the server's clock, read between two moments of ours (s); False for 30 s after a jump of 2 s.

        A reading that took long says too little about the server's clock to be judged.
        """
        if after - before < STEP_SECONDS / 2:
            offset = server_seconds - before
            if self._offset is not None and abs(offset - self._offset) > STEP_SECONDS:
                self._pause_until = after + PAUSE_SECONDS
            self._offset = offset
        return after >= self._pause_until
