"""Records as transitions bring them."""

from collections.abc import Sequence
from typing import NamedTuple


class StoredRecord(NamedTuple):
    """A record as it is stored: its fields are name, value, …"""

    id: str
    fields: Sequence[str]
