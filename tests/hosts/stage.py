"""What the parts of `make hosts` play on: a gateway, a token for each, the commands of the bridges, and what was found."""

import asyncio
import json
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from shared.security import tokens
from shared.settings import Settings
from shared.store import connection
from tests.hosts import calls
from tests.hosts.places import ROOT, Places, said
from tests.mcp.clients import BRIDGES, Gateway

HERE = ROOT / "tests" / "hosts"
HTTP = "http"
TRANSPORTS = (HTTP, *BRIDGES)


@dataclass(slots=True)
class Stage:
    """A running gateway, and the problems so far."""

    places: Places
    gateway: Gateway
    redis_url: str
    problems: list[str] = field(default_factory=list)
    teams: int = 0

    @property
    def url(self) -> str:
        return self.gateway.url

    def token(self) -> str:
        """One of a new team, which has nothing yet."""

        async def made() -> str:
            async with connection.connect(Settings(redis_url=self.redis_url)) as redis:
                self.teams += 1
                return await tokens.create(redis, team=f"host {self.teams}", name="host", scopes=("admin",))

        return asyncio.run(made())

    def env(self, token: str) -> dict[str, str]:
        """What a host gives a bridge."""
        return {"PATH": os.environ["PATH"], "RECURO_MCP_URL": self.url, "RECURO_API_TOKEN": token}

    def note(self, what: str, problems: list[str]) -> None:
        print(f"{what}: {'ok' if not problems else f'{len(problems)} problems'}", flush=True)
        self.problems += [f"{what}: {problem}" for problem in problems]

    def play(self, what: str, player: list[str], part: Mapping[str, Any]) -> None:
        """Let a client play the whole script, and compare what it got."""
        play = {"url": self.url, "calls": [call._asdict() for call in calls.CALLS], **part}
        try:
            folder = self.places.node("js") if player[0] == "node" else None
            out = json.loads(said([*player, json.dumps(play)], folder, seconds=300))
        except RuntimeError as error:
            self.note(what, [str(error)])
            return
        pairs = zip(calls.CALLS, out["results"], strict=True)
        problems = [problem for call, result in pairs if (problem := calls.wrong(call, result))]
        self.note(f"{what}, {len(out['results'])} calls", [*problems, *calls.untried(out["tools"])])

    def by(self, transport: str, token: str) -> dict[str, Any]:
        """What a play says of a transport."""
        if transport == HTTP:
            return {"token": token}
        return {"command": list(BRIDGES[transport]), "env": self.env(token)}


def wrapper(folder: Path, transport: str) -> str:
    """A command of one word: some hosts take the options of another for their own."""
    file = folder / f"bridge-{transport}"
    file.write_text(f"#!/bin/sh\nexec {shlex.join(BRIDGES[transport])}\n")
    file.chmod(0o755)
    return str(file)
