"""`recuro healthcheck` has correct copies of the services' constants, loads little, and says what is wrong."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from redis.asyncio import Redis

from services.cli import embedded, healthcheck
from shared.runtime import health
from shared.settings import Settings
from shared.store import keyspace
from tests.api.serving import serving
from tests.faults.parts.proxy import Proxy

PASSWORD, IN_A_URL = "p@ss:w/ord", "p%40ss%3Aw%2Ford"
HEAVY = ("pydantic", "redis", "httpx", "asyncio", "ssl", "uvicorn", "structlog")
RUNS = "import sys; from services.cli.healthcheck import run; status = run(sys.argv[1]); "


def checked(service: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it as a process whose last line names the heavy modules that it loaded."""
    program = f"{RUNS}print(sorted(set(sys.modules) & set({HEAVY})), file=sys.stderr); sys.exit(status)"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RECURO_")}
    return subprocess.run(
        [sys.executable, "-c", program, service],
        env={**inherited, "RECURO_DATA_DIR": "/nowhere", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def said(ended: subprocess.CompletedProcess[str]) -> str:
    """Its output; it must have loaded no heavy module."""
    *lines, loaded = ended.stderr.splitlines()
    assert loaded == "[]"
    return "\n".join(lines)


def test_what_it_knows_by_heart_is_so() -> None:
    defaults = {name: field.default for name, field in Settings.model_fields.items()}

    assert {
        door: (defaults[f"{door}_host"], str(defaults[f"{door}_port"])) for door in ("api", "mcp")
    } == healthcheck.DOORS
    assert defaults["redis_url"] == healthcheck.REDIS_URL
    assert (str(defaults["data_dir"]), embedded.SOCKET) == (healthcheck.DATA_DIR, healthcheck.SOCKET)
    assert keyspace.SHARDS == ("s0",)
    assert (keyspace.live(), keyspace.correction("s0")) == (healthcheck.LIVE, healthcheck.CORRECTION)


async def test_a_sign_of_life_is_found_with_user_password_and_database(
    redis: Redis, settings: Settings
) -> None:
    await health.beat(redis, "worker")
    await redis.acl_setuser(
        "probe", enabled=True, passwords=[f"+{PASSWORD}"], keys=["*"], categories=["+@all"]
    )
    with Proxy(Path(unquote(urlsplit(settings.redis_url).path))) as proxy:
        address = proxy.url.removeprefix("redis://")
        good = checked("worker", RECURO_REDIS_URL=f"redis://probe:{IN_A_URL}@{address}/0")
        other = checked("worker", RECURO_REDIS_URL=f"redis://probe:{IN_A_URL}@{address}/3")
        bad = checked("worker", RECURO_REDIS_URL=f"redis://probe:wrong@{address}/0")
    await redis.acl_deluser("probe")

    assert (good.returncode, said(good)) == (0, "")
    assert (other.returncode, bad.returncode) == (1, 1)
    assert f"no worker on {socket.gethostname()} has given a sign of life for 30 s" in said(other)
    assert f"Redis at {address} refuses: WRONGPASS" in said(bad)
    assert "wrong@" not in bad.stderr


async def test_it_goes_by_the_installations_clock_and_names_other_hosts(
    redis: Redis, settings: Settings
) -> None:
    seconds, _ = await redis.time()
    mine = f"scheduler:{socket.gethostname()}:1"
    await redis.zadd(
        keyspace.live(), {mine: 1000 * seconds + 20_000, "scheduler:other:1": 1000 * seconds + 9e6}
    )

    early = checked("scheduler", RECURO_REDIS_URL=settings.redis_url)
    await redis.set(keyspace.correction("s0"), 60_000)
    late = checked("scheduler", RECURO_REDIS_URL=settings.redis_url)

    assert (early.returncode, late.returncode) == (0, 1)
    assert said(late).endswith("has given a sign of life for 30 s; on other one has")


async def test_a_correction_that_is_no_number_counts_as_none(redis: Redis, settings: Settings) -> None:
    await health.beat(redis, "worker")
    await redis.set(keyspace.correction("s0"), "junk")

    checked_worker = checked("worker", RECURO_REDIS_URL=settings.redis_url)

    assert (checked_worker.returncode, said(checked_worker)) == (0, "")


@pytest.mark.parametrize(
    ("service", "environment", "sentence"),
    [
        ("api", {"RECURO_API_PORT": "1"}, "http://127.0.0.1:1/healthz does not answer: "),
        (
            "mcp",
            {"RECURO_MCP_HOST": "::", "RECURO_MCP_PORT": "1"},
            "http://[::1]:1/healthz does not answer: ",
        ),
        ("worker", {"RECURO_REDIS_URL": "redis://u:p@127.0.0.1:1"}, "Redis at 127.0.0.1:1 does not answer: "),
        ("worker", {"RECURO_REDIS_URL": "unix:///nowhere"}, "Redis at /nowhere does not answer: "),
        ("worker", {"RECURO_REDIS_URL": "redis://u:se/cret@127.0.0.1:1"}, "its URL cannot be read"),
    ],
)
def test_it_says_in_a_line_what_is_wrong(service: str, environment: dict[str, str], sentence: str) -> None:
    ended = checked(service, **environment)

    assert ended.returncode == 1
    assert said(ended).startswith(f"recuro healthcheck: {sentence}")
    assert len(said(ended).splitlines()) == 1


def test_a_door_that_answers_is_alive(settings: Settings) -> None:
    with serving(settings) as api:
        port = api.rpartition(":")[2]
        alive = checked("api", RECURO_API_HOST="0.0.0.0", RECURO_API_PORT=port)

    assert (alive.returncode, said(alive)) == (0, "")


async def test_options_of_the_client_are_left_to_the_client(redis: Redis, settings: Settings) -> None:
    await health.beat(redis, "worker")
    url = f"{settings.redis_url}?client_name=probe"

    ended = checked("worker", RECURO_REDIS_URL=url)

    assert ended.returncode == 0
    assert "'redis'" in ended.stderr
