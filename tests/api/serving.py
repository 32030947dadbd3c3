"""Runs the API as `recuro api` does, beside the tests."""

import contextlib
import threading
import time
from collections.abc import Iterator

from services.api.main import create_server
from shared.settings import Settings


@contextlib.contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """The address of an API that serves until the block ends."""
    server = create_server(settings)
    thread = threading.Thread(target=server.run, name="api", daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert thread.is_alive(), "the API did not start"
        assert time.monotonic() < deadline, "the API did not start in time"
        time.sleep(0.005)  # the poller of a thread that is no coroutine
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(15)
