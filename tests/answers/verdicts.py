"""What a client made of an answer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """Taken with `status` and `body` if there is no `refusal`, else what the client said instead."""

    status: int | None
    body: str = ""
    refusal: str = ""
    is_truncated: bool = False
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def told(self) -> tuple[int | None, str] | None:
        """What must be the same for two clients to have read the same; nothing if it was refused."""
        return None if self.refusal else (self.status, self.body)
