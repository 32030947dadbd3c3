"""Clients of other people that play the whole script: SDKs in each era, and proxies between."""

import sys

from tests.hosts.stage import HERE, TRANSPORTS, Stage

MODERN = "2026-07-28"
TYPESCRIPT = ((1, "legacy"), (2, "legacy"), (2, "auto"), (2, MODERN))
PYTHON = (
    ("sdk1", "sdk-1", "legacy"),
    ("sdk2", "sdk-2", "legacy"),
    ("sdk2", "sdk-2", "auto"),
    ("sdk2", "sdk-2", MODERN),
    ("fastmcp", "fastmcp", "auto"),
)


def typescript(stage: Stage) -> None:
    player = ["node", str(HERE / "play.mjs")]
    for sdk, era in TYPESCRIPT:
        for transport in TRANSPORTS:
            part = {"sdk": sdk, "era": era, **stage.by(transport, stage.token())}
            stage.play(f"TypeScript SDK {sdk}, {era}, {transport}", player, part)


def python(stage: Stage) -> None:
    for place, sdk, era in PYTHON:
        for transport in TRANSPORTS:
            player = [str(stage.places.python(place)), str(HERE / "play.py")]
            part = {"sdk": sdk, "era": era, **stage.by(transport, stage.token())}
            stage.play(f"Python {sdk}, {era}, {transport}", player, part)


def proxies(stage: Stage) -> None:
    """Between a host that starts commands and the gateway, as some hosts need it; and the other way round."""
    player = ["node", str(HERE / "play.mjs")]
    token = stage.token()
    remote = stage.places.node("js") / "node_modules/mcp-remote/dist/proxy.js"
    command = ["node", str(remote), stage.url, "--transport", "http-only", "--allow-http", "--header"]
    part = {"sdk": 1, "era": "legacy", "env": stage.env(token)}
    stage.play("mcp-remote", player, {**part, "command": [*command, f"Authorization: Bearer {token}"]})

    token = stage.token()
    proxy = str(stage.places.python("proxy").parent / "mcp-proxy")
    header = ["-H", "Authorization", f"Bearer {token}"]
    command = [proxy, "--transport", "streamablehttp", *header, stage.url]
    stage.play("mcp-proxy", player, {**part, "command": command})


def bounded(stage: Stage) -> None:
    """The SDK that we have anyway, over all transports: what CI has the time for, and needs no network."""
    for era in ("legacy", MODERN):
        for transport in TRANSPORTS:
            part = {"sdk": "sdk-2", "era": era, **stage.by(transport, stage.token())}
            stage.play(f"our own SDK, {era}, {transport}", [sys.executable, str(HERE / "play.py")], part)
