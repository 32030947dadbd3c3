"""Notices: callbacks, and alerts on their way to a channel."""

from enum import StrEnum


class NoticeStatus(StrEnum):
    """What became of one, on what it tells of."""

    PENDING = "pending"
    DELIVERED = "delivered"
    RETRYING = "retrying"
    FAILED = "failed"
