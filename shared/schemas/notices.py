"""Notices: callbacks, and alerts on their way to a channel."""

from enum import StrEnum


class NoticeStatus(StrEnum):
    """The result of a notice, shown on the record that it reports."""

    PENDING = "pending"
    DELIVERED = "delivered"
    RETRYING = "retrying"
    FAILED = "failed"
