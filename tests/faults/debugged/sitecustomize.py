"""A process that has this folder in its PYTHONPATH names what holds its loop for 100 ms or more: uvicorn turns that off."""

from functools import partial

from uvicorn import server

server.asyncio_run = partial(server.asyncio_run, debug=True)  # type: ignore[attr-defined]
