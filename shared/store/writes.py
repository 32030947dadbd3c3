"""A write of a caller: who makes it, what it changes, and the idempotency key under which it is done once."""

from typing import NamedTuple

from shared.store.idempotency import IdempotencyKey

REASON_CHARACTERS = 500
"""Of why a caller makes one."""


class Taken(Exception):
    """Of a change of many in the background this one was done before, or is not to be done any more."""


class OneOfMany(NamedTuple):
    """Which one of a change of many in the background a write does: it is noted in the same transition."""

    bulk: int
    item: int


class Write(NamedTuple):
    """What a transition is given beside its own arguments; of Recuro's own writes nothing of it."""

    key: IdempotencyKey | None = None
    who: str | None = None
    """Who makes it and by what (JSON): with it the write leaves a line in the audit trail."""
    changes: str | None = None
    """What it changes, for that line (JSON, without secrets)."""
    session: str | None = None
    """The digest of the session by which it is made: on accounts one that has ended changes nothing."""
    user: int | None = None
    """Whose session that is."""
    maker: str | None = None
    """Who makes it, as what it makes keeps it (`shared.store.makers`)."""
    one: OneOfMany | None = None


OURS = Write()
"""Of what no caller wanted."""
