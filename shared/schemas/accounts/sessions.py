"""Sessions of a user: where somebody is signed in."""

from shared.schemas.base import Instant, Schema


class Session(Schema):
    """A browser in which the user is signed in."""

    id: str
    """The first digits of its digest: enough to name it, and worth nothing."""
    is_this: bool
    address: str
    client: str
    created_at: Instant
    seen_at: Instant
    """Within a minute or so."""
    expires_at: Instant


class TeamOfUser(Schema):
    """A team that the user is in."""

    id: int
    name: str
    role: str
    is_owner: bool
