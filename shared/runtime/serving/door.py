"""The settings that all connections of one server share."""

from collections.abc import Callable
from typing import Literal

from shared.runtime.serving.bounds import LINGER_SECONDS, Bounds
from shared.runtime.serving.connections import Connections
from shared.runtime.serving.proxies import Proxies

Stage = Literal["head", "body", "answer", "idle", "end"]
"""What a connection waits for: a header, a body, our answer, another request, or its end."""


class Door:
    """The bounds of a server, its connections, its proxies, and how it writes a refusal (`error_body`)."""

    def __init__(self, bounds: Bounds, error_body: Callable[[str], bytes], proxies: Proxies) -> None:
        self.bounds = bounds
        self.error_body = error_body
        self.proxies = proxies
        self.connections = Connections(bounds)
        self.patience: dict[Stage, float] = {
            "head": bounds.head_seconds,
            "body": bounds.body_seconds,
            "answer": bounds.answer_seconds,  # from when the peer stops taking it
            "idle": bounds.idle_seconds,
            "end": LINGER_SECONDS,
        }
