"""`recuro dev`: Redis and every service on this machine, with one command and nothing to set up."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from services.cli import embedded
from services.cli.console import Console
from services.cli.embedded import CannotStart, EmbeddedServer
from services.cli.places import free_port, in_vain, redis_name, url_of
from services.cli.supervisor import NAME, Service, Supervisor
from shared.actions.accounts import links, users
from shared.actions.accounts.links import Purpose
from shared.basics import token_text
from shared.errors import Damaged
from shared.runtime.durability import durability
from shared.security import tokens
from shared.settings import Settings, unknown
from shared.store import connection

SERVICES = ("api", "scheduler", "worker", "mcp")
TEAM = "default"
REDIS_LOOK_SECONDS = 0.2
DEFAULTS = {
    "RECURO_EGRESS_ALLOW": "127.0.0.0/8,::1/128",  # the targets under development are on this machine
    "RECURO_LOG_FORMAT": "console",
    "RECURO_WORKER_GRACE_SECONDS": "3",  # a worker that drains longer would be killed half-way
    "PYTHONUNBUFFERED": "1",
}


@dataclass(frozen=True, slots=True)
class Greeting:
    """What to show once everything runs."""

    api: str
    mcp: str
    data: str
    durability: str
    token: str
    sign_in: str
    """Good for one use, within a quarter of an hour."""

    def __str__(self) -> str:
        return (
            f"\nRecuro is ready.\n\n"
            f"  API         {self.api}\n"
            f"  MCP         {self.mcp}/mcp\n"
            f"  data        {self.data}\n"
            f"  durability: {self.durability}\n"
            f"  token       {self.token}\n"
            f"  page        {self.sign_in}\n\n"
            f'  curl -H "Authorization: Bearer {self.token}" {self.api}/api/queues\n'
        )


async def run(settings: Settings) -> int:
    """Run until Ctrl-C; the exit status. Raises CannotStart."""
    console = Console((*SERVICES, NAME))
    for sentence in in_vain():
        console.say(NAME, sentence)
    async with _redis(settings, console) as (redis_url, server):
        settings = settings.model_copy(update={"redis_url": redis_url, **_ports(settings)})
        greeting = await _greeting(settings, server)
        supervisor = Supervisor(_services(settings), _environment(settings), console)
        return await supervisor.run(
            when_ready=lambda: console.write(str(greeting)),
            beside=_keep_redis(server, supervisor, console) if server else None,
        )


@asynccontextmanager
async def _redis(settings: Settings, console: Console) -> AsyncIterator[tuple[str, EmbeddedServer | None]]:
    """The Redis of RECURO_REDIS_URL, or else an embedded one that is started first and stopped last."""
    if "redis_url" in settings.model_fields_set:
        console.say(NAME, f"using Redis at {redis_name(settings.redis_url)}")
        yield settings.redis_url, None
        return
    server = embedded.start(settings.data_dir)
    try:
        console.say(NAME, f"started {server.program}, data in {server.data_dir}")
        yield server.url, server
    finally:
        server.stop()
        console.say(NAME, "stopped")


async def _keep_redis(server: EmbeddedServer, supervisor: Supervisor, console: Console) -> None:
    while True:
        await asyncio.sleep(REDIS_LOOK_SECONDS)
        if server.running:
            continue
        console.say(NAME, "the embedded server ended; starting it again")
        try:
            server.launch()
        except CannotStart as error:
            supervisor.fail(str(error))
            return


def _ports(settings: Settings) -> dict[str, int]:
    api = free_port(settings.api_host, settings.api_port, "RECURO_API_PORT")
    mcp = free_port(settings.mcp_host, settings.mcp_port, "RECURO_MCP_PORT")
    return {"api_port": api, "mcp_port": mcp}


async def _greeting(settings: Settings, server: EmbeddedServer | None) -> Greeting:
    token = _token(settings)
    redis = connection.connect(settings)
    try:
        if not settings.bootstrap_token and await tokens.has_ended(redis, token):
            token = _keep(settings, token_text.new())
        await tokens.create(redis, team=TEAM, name="dev", scopes=("admin",), token=token)
        kept = await durability(redis)
        owner = await users.owner_of(redis, await tokens.team_of(redis, token), users.FIRST_OWNER)
        code = await links.make(redis, Purpose.SIGN_IN, owner)
    except (Damaged, *connection.AWAY) as error:
        said = connection.text_of(error)
        raise CannotStart(f"Redis at {redis_name(settings.redis_url)} cannot be used: {said}") from error
    finally:
        await redis.aclose()
    api = url_of(settings.api_host, settings.api_port)
    return Greeting(
        api=api,
        mcp=url_of(settings.mcp_host, settings.mcp_port),
        data=str(server.data_dir) if server else redis_name(settings.redis_url),
        durability=kept,
        token=token,
        sign_in=links.address_of(api, Purpose.SIGN_IN, code),
    )


def _token(settings: Settings) -> str:
    """The token that is set, or the one made here at the first start and kept."""
    if settings.bootstrap_token:
        return settings.bootstrap_token.get_secret_value()
    path: Path = settings.data_dir / "token"
    if path.exists() and (kept := path.read_text().strip()):
        return kept
    return _keep(settings, token_text.new())


def _keep(settings: Settings, token: str) -> str:
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = settings.data_dir / "token"
    with open(path, "w", opener=lambda name, flags: os.open(name, flags, mode=0o600)) as file:
        file.write(f"{token}\n")
    return token


def _services(settings: Settings) -> list[Service]:
    urls = {
        "api": f"{url_of(settings.api_host, settings.api_port)}/readyz",
        "mcp": f"{url_of(settings.mcp_host, settings.mcp_port)}/readyz",
    }
    # -P: without it a start from inside services/ would find our mcp folder in place of the SDK.
    command = (sys.executable, "-P", "-m", "services.cli.main")
    # The metrics port is free only once on a machine: the scheduler gets it, as it measures lateness.
    own = {name: {} if name == "scheduler" else {"RECURO_METRICS_PORT": "0"} for name in SERVICES}
    return [Service(name, (*command, name), urls.get(name), own[name]) for name in SERVICES]


def _environment(settings: Settings) -> dict[str, str]:
    chosen = {
        "RECURO_REDIS_URL": settings.redis_url,
        "RECURO_API_PORT": str(settings.api_port),
        "RECURO_MCP_PORT": str(settings.mcp_port),
    }
    given = {
        name: value for name, value in os.environ.items() if name not in unknown()
    }  # each was reported by name
    return {**DEFAULTS, **given, **chosen}
