"""Moments: aware UTC datetimes in Python, whole milliseconds in Redis."""

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)


def milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970."""
    return round(moment.timestamp() * 1000)


def moment(milliseconds: float | str) -> datetime:
    """The aware UTC datetime of so many milliseconds since 1970."""
    return datetime.fromtimestamp(float(milliseconds) / 1000, UTC)
