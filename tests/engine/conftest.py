"""A client and an event loop that all examples of a state machine share, and a clock that the test sets."""

from collections.abc import Iterator

import pytest

from services.cli.embedded import EmbeddedServer
from tests.engine.machine import Bench, tell_the_time


@pytest.fixture
def bench(server: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    tell_the_time(monkeypatch)
    running = Bench(server.url)
    yield running
    running.close()
