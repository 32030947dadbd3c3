"""The moments of a connection that is made for a request."""

from time import perf_counter


class Dialled:
    """By the performance counter (s); a moment of 0.0 did not come."""

    __slots__ = (
        *("address", "began_at", "connected_at", "connecting_at", "encrypted_at"),
        *("is_encrypted", "is_first", "is_looked_up", "waited_seconds"),
    )

    def __init__(self, waited_seconds: float = 0.0, *, is_first: bool = True) -> None:
        self.began_at = perf_counter()
        self.waited_seconds = waited_seconds
        """For how long the request had waited for its turn by then."""
        self.is_first = is_first
        """The request had not gone out before, on a connection that was lost."""
        self.is_looked_up = False
        """Its host is a name, which is looked up here."""
        self.is_encrypted = False
        self.connecting_at = self.connected_at = self.encrypted_at = 0.0
        self.address = ""
        """Whom it goes to, once that is certain; nothing by way of a proxy."""

    @property
    def ready_at(self) -> float:
        """When it could carry the request."""
        return self.encrypted_at if self.is_encrypted else self.connected_at
