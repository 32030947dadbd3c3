"""`recuro listen`: a target that prints the requests it gets."""

import os
import socket
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


async def answer(request: Request) -> Response:
    """Print the request as it arrived, and answer 200."""
    body = (await request.body()).decode(errors="replace")
    head = "\n".join(f"  {name}: {value}" for name, value in request.headers.items())
    print(f"{request.method} {request.url.path}\n{head}\n\n  {body}\n", flush=True)
    return JSONResponse({"ok": True})


def listen(port: int) -> None:
    """Serve on 127.0.0.1 until Ctrl-C."""
    try:
        bound = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        why = os.strerror(error.errno or 0)
        sys.exit(f"recuro listen: port {port} on 127.0.0.1: {why}; take another with --port")
    print(f"listening on http://127.0.0.1:{port}", flush=True)
    app = Starlette(routes=[Route("/{path:path}", answer, methods=METHODS)])
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[bound])
