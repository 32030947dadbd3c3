"""What kinds of records and keys there are, by the letters that begin their keys (`j:<team>:<job>`)."""

from enum import StrEnum


class Kind(StrEnum):
    """A record; what refers to one says it by this and an id: `j:<job>`."""

    JOB = "j"
    EXECUTION = "e"
    NOTICE = "n"
    QUEUE = "q"
    CRON = "c"
    ALERT = "a"
    REPLAY = "replay"
    BACKFILL = "backfill"
    BULK = "bulk"


class Beside(StrEnum):
    """A key of what is kept apart from the record that it belongs to."""

    SPEC = "b"
    """The spec of a job and its retries."""
    RUN = "r"
    INDEX = "x"
    """Ids of the records in a state, of a team or of a queue or cron."""
