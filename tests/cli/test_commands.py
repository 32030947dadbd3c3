"""The `recuro` command, run as users run it."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis.asyncio import Redis

from services.cli.embedded import EmbeddedServer, start
from services.cli.places import redis_name
from shared import clock
from shared.actions import audit, jobs, signatures
from shared.errors import Unauthenticated
from shared.runtime import health
from shared.schedule import zone_data
from shared.schemas.accounts.audit import AuditQuery
from shared.schemas.accounts.tokens import TokenLimits
from shared.schemas.jobs import JobCreate
from shared.security import tokens
from shared.security.tokens import Callers
from shared.security.vault import Vault
from shared.settings import Settings
from shared.store import account_keys, keyspace, transitions
from shared.store.care import retention
from shared.store.keyspace import Team
from tests import people
from tests.calls import call_of
from tests.warm import starts

RECURO = Path(sys.executable).parent / "recuro"


@pytest.fixture
def nearby(tmp_path: Path) -> Iterator[EmbeddedServer]:
    """The embedded server of a `recuro dev` that runs in tmp_path."""
    server = start(tmp_path / ".recuro")
    yield server
    server.stop()


def started(*words: str) -> list[str]:
    """The program, for a command of these words."""
    parts = ("services.cli.main", "services.cli.reports", "services.cli.users")
    return starts.command([str(RECURO)], ("recuro", *words), "services.cli.main:main", *parts)


def recuro(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RECURO_")}
    return subprocess.run(
        [*started(*arguments[:2]), *arguments],
        cwd=folder,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def taken_port() -> socket.socket:
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    holder.listen()
    return holder


def test_help_lists_every_command(tmp_path: Path) -> None:
    answer = recuro("--help", folder=tmp_path)

    assert answer.returncode == 0
    for command in (
        "dev",
        "api",
        "scheduler",
        "worker",
        "mcp",
        "token",
        "user",
        "healthcheck",
        "doctor",
        "verify",
        "keys",
    ):
        assert f"\n    {command}" in answer.stdout


def test_help_loads_none_of_the_services() -> None:
    show = "import sys, services.cli.main; print({'httpx', 'redis', 'mcp', 'pydantic'} & set(sys.modules))"

    answer = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "set()"


def test_the_version_is_the_packages(tmp_path: Path) -> None:
    answer = recuro("--version", folder=tmp_path)

    assert answer.stdout.startswith("recuro 0.")


@pytest.mark.parametrize("arguments", [(), ("token",), ("healthcheck", "web"), ("nonsense",)])
def test_a_wrong_command_line_exits_with_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    answer = recuro(*arguments, folder=tmp_path)

    assert answer.returncode == 2
    assert "usage: recuro" in answer.stderr


@pytest.mark.usefixtures("token")
async def test_a_new_token_is_printed_alone_and_works(
    tmp_path: Path, redis: Redis, settings: Settings
) -> None:
    create = ("token", "create", "--team", "red", "--scope", "read")

    answer = recuro(*create, folder=tmp_path, RECURO_REDIS_URL=settings.redis_url)

    caller = await Callers(redis).caller_of(answer.stdout.strip())
    assert caller.scopes == {"read"}
    assert answer.stderr == (
        f"recuro: token 'token' of team 'red', scope read, kept in {redis_name(settings.redis_url)}\n"
    )


@pytest.mark.parametrize(("keys", "holds"), [(0, "holds nothing of"), (2, "holds 2 keys of others and")])
async def test_no_token_goes_into_a_redis_that_is_not_ours_unless_it_is_to_begin_there(
    tmp_path: Path, redis: Redis, settings: Settings, keys: int, holds: str
) -> None:
    for number in range(keys):
        await redis.set(f"session:{number}", "somebody's")

    refused = recuro("token", "create", folder=tmp_path, RECURO_REDIS_URL=settings.redis_url)
    begun = recuro("token", "create", "--new", folder=tmp_path, RECURO_REDIS_URL=settings.redis_url)

    assert (refused.returncode, refused.stdout) == (1, "")
    assert holds in refused.stderr
    assert "--new" in refused.stderr
    assert await Callers(redis).caller_of(begun.stdout.strip())


async def test_history_that_waits_is_shown_and_let_go(
    tmp_path: Path, redis: Redis, settings: Settings
) -> None:
    now = str(clock.milliseconds(clock.now()))
    await redis.hset(keyspace.retention_waits("s0"), mapping={"1:q7:completed": now})  # type: ignore[misc]

    shown = recuro("retention", folder=tmp_path, RECURO_REDIS_URL=settings.redis_url)
    confirmed = recuro("retention", "--confirm", folder=tmp_path, RECURO_REDIS_URL=settings.redis_url)

    assert shown.stdout.startswith("1:q7:completed: goes from ")
    assert confirmed.stdout == "1:q7:completed: goes now\n"
    assert await retention.waiting(redis, "s0") == []


@pytest.mark.usefixtures("token")
async def test_a_token_is_listed_and_ended_by_its_id(
    tmp_path: Path, redis: Redis, settings: Settings
) -> None:
    made = await tokens.create(redis, team="red", name="the agent", scopes=("write",))

    listed = recuro("token", "list", folder=tmp_path, RECURO_REDIS_URL=settings.redis_url)
    (row,) = (line for line in listed.stdout.splitlines() if "the agent" in line)
    revoke = ("token", "revoke", row.split()[0])
    ended = recuro(*revoke, folder=tmp_path, RECURO_REDIS_URL=settings.redis_url)
    again = recuro(*revoke, folder=tmp_path, RECURO_REDIS_URL=settings.redis_url)

    assert listed.stdout.splitlines()[0].split() == [
        "ID",
        "TEAM",
        "NAME",
        "SCOPE",
        "CREATED",
        "EXPIRES",
        "USER",
        "LIMITS",
    ]
    assert re.fullmatch(r"[0-9a-f]{12}  red   the agent  write  2\d\d\d-\d\d-\d\d  never +-  +-", row)
    assert made not in listed.stdout
    assert (ended.returncode, again.returncode) == (0, 1)
    assert "'the agent' of team 'red'" in ended.stdout
    assert "`recuro token list` shows the ids" in again.stderr
    with pytest.raises(Unauthenticated):
        await Callers(redis).caller_of(made)


async def test_a_list_of_tokens_says_whose_each_is_its_limits_and_its_end(
    tmp_path: Path, redis: Redis, settings: Settings
) -> None:
    await people.join(redis, "red", 1)
    await tokens.create(redis, team="red", name="agent", scopes=("write",))
    await tokens.create(redis, team="red", name="odd", scopes=("write",))
    agent, odd = [account_keys.token(one.digest) for one in await tokens.listed(redis)]
    limits = TokenLimits(hosts=("a.example",), expires_at=datetime(2001, 2, 3, tzinfo=UTC))
    stored = {"user": "1", "limits": limits.model_dump_json(exclude_defaults=True)}
    await redis.hset(agent, mapping=stored)  # type: ignore[misc]
    await redis.hset(odd, "limits", "{")  # type: ignore[misc]

    listed = recuro("token", "list", folder=tmp_path, RECURO_REDIS_URL=settings.redis_url)

    said = [re.split(r" {2,}", line)[-3:] for line in listed.stdout.splitlines()[1:]]
    assert said == [
        ["expired", "User1@example.com", "Only host a.example"],
        ["unknown", "-", "cannot be read"],
    ]


@pytest.mark.usefixtures("token")
async def test_tokens_of_the_operator_stand_in_the_audit_trail(
    tmp_path: Path, redis: Redis, settings: Settings, team: Team
) -> None:
    create = ("token", "create", "--team", "one", "--name")
    made = recuro(*create, "agent", folder=tmp_path, RECURO_REDIS_URL=settings.redis_url)
    again = recuro(*create, "agent", folder=tmp_path, RECURO_REDIS_URL=settings.redis_url)
    odd = recuro(*create, " ", folder=tmp_path, RECURO_REDIS_URL=settings.redis_url)
    digest = tokens.digest_of(made.stdout.strip())
    recuro("token", "revoke", digest[:12], folder=tmp_path, RECURO_REDIS_URL=settings.redis_url)

    deleted, created = (await audit.page(redis, team, AuditQuery(interface="cli"))).data

    assert (made.returncode, again.returncode, odd.returncode) == (0, 1, 1)
    assert "must be unique" in again.stderr
    assert "must not be empty" in odd.stderr
    assert (created.operation, created.actor, created.about) == ("create-token", "operator", ("token:2",))
    assert created.client.startswith("recuro ")
    assert (deleted.operation, deleted.about) == ("delete-token", ("token:2",))
    assert made.stdout.strip() not in f"{created}{deleted}"


@pytest.mark.usefixtures("token")
async def test_tokens_without_a_name_get_one_that_is_free(
    tmp_path: Path, redis: Redis, settings: Settings
) -> None:
    for _ in range(2):
        recuro("token", "create", "--team", "red", folder=tmp_path, RECURO_REDIS_URL=settings.redis_url)

    assert [one.name for one in await tokens.listed(redis) if one.team == "red"] == ["token", "token 2"]


async def test_secrets_are_sealed_with_the_first_key_anew(
    tmp_path: Path, redis: Redis, settings: Settings, team: Team
) -> None:
    old, new = "the-old-key-" + 32 * "o", "the-new-key-" + 32 * "n"
    await signatures.rotate(call_of(redis, team, vault=Vault(old)), 0)
    keys = {"RECURO_REDIS_URL": settings.redis_url, "RECURO_ENCRYPTION_KEY": f"{new},{old}"}

    done = recuro("keys", "reseal", folder=tmp_path, **keys)
    locked = recuro("keys", "reseal", folder=tmp_path, **keys | {"RECURO_ENCRYPTION_KEY": old})

    assert done.returncode == 0
    assert "1 sealed anew with the first key" in done.stdout
    assert (locked.returncode, locked.stdout.splitlines()[1:]) == (1, [])
    assert "1 could not be opened: t:1. Add the key" in locked.stderr


def test_commands_find_the_redis_of_recuro_dev_in_the_same_directory(
    tmp_path: Path, nearby: EmbeddedServer
) -> None:
    answer = recuro("token", "create", "--new", folder=tmp_path)

    assert answer.returncode == 0
    assert answer.stdout.startswith("rc_")


@pytest.mark.parametrize("arguments", [("token", "create"), ("user", "reset", "--email", "ada@example.com")])
def test_elsewhere_they_say_where_they_looked_and_how_to_name_another(
    tmp_path: Path, nearby: EmbeddedServer, arguments: tuple[str, ...]
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    lost = recuro(*arguments, folder=elsewhere)
    named = recuro("doctor", folder=elsewhere, RECURO_DATA_DIR=str(tmp_path / ".recuro"))

    assert lost.returncode == 1
    assert f"No recuro dev runs with its data in {elsewhere / '.recuro'}" in lost.stderr
    assert "RECURO_DATA_DIR" in lost.stderr
    assert "RECURO_REDIS_URL" in lost.stderr
    assert "cannot be used" not in named.stderr
    assert "RECURO_DATA_DIR" not in named.stderr


@pytest.mark.parametrize("arguments", [("doctor",), ("token", "create"), ("dev",)])
def test_a_redis_that_is_away_is_one_line_without_its_password(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    url = "redis://user:secret@127.0.0.1:1/0"

    answer = recuro(
        *arguments, folder=tmp_path, RECURO_REDIS_URL=url, RECURO_API_PORT="0", RECURO_MCP_PORT="0"
    )

    assert answer.returncode == 1
    assert len(answer.stderr.splitlines()) == 1
    assert "Redis at redis://127.0.0.1:1/0 cannot be used" in answer.stderr
    assert "secret" not in answer.stdout + answer.stderr


def test_a_variable_that_nothing_reads_is_reported(tmp_path: Path, nearby: EmbeddedServer) -> None:
    answer = recuro("doctor", folder=tmp_path, RECURO_LOG_LEVLE="DEBUG")

    assert answer.returncode == 0
    assert answer.stderr == "recuro: nothing reads RECURO_LOG_LEVLE: did you mean RECURO_LOG_LEVEL?\n"


async def test_the_doctor_is_content_with_an_embedded_server(tmp_path: Path, nearby: EmbeddedServer) -> None:
    answer = recuro("doctor", folder=tmp_path)

    assert answer.returncode == 0
    assert {line[:4] for line in answer.stdout.splitlines()} == {"ok  "}
    assert "durability: standard (AOF everysec" in answer.stdout
    assert f"time zones: {zone_data.release()}" in answer.stdout


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("appendonly", "no", "FAIL durability: none (memory only"),
        ("maxmemory", "1", "FAIL memory: all 1 bytes of maxmemory are used"),
        ("replicaof", "127.0.0.1 1", "FAIL role: a replica takes no writes"),
    ],
)
async def test_the_doctor_fails_where_jobs_would_be_lost(
    tmp_path: Path, nearby: EmbeddedServer, setting: str, value: str, said: str
) -> None:
    async with Redis.from_url(nearby.url, decode_responses=True) as redis:
        if setting == "replicaof":
            await redis.replicaof(*value.split())
        else:
            await redis.config_set(setting, value)

        answer = recuro("doctor", folder=tmp_path)

    assert answer.returncode == 1
    assert said in answer.stdout


async def test_the_doctor_audits_and_says_what_it_repaired(tmp_path: Path, nearby: EmbeddedServer) -> None:
    async with Redis.from_url(nearby.url, decode_responses=True) as redis:
        await jobs.create(call_of(redis, Team(1)), JobCreate(queue="mail", url="https://a.example/"))
        await health.beat(redis, "worker")
        await redis.delete("r:{s0}:s:1:1")
        await redis.hset("r:{s0}:ledger:1", "job.completed", 3)

    first = recuro("doctor", "--reconcile", folder=tmp_path)
    second = recuro("doctor", "--reconcile", folder=tmp_path)

    assert [first.returncode, second.returncode] == [0, 0]
    assert [line for line in first.stdout.splitlines() if "team 1" in line] == [
        "ok   team 1: repaired 1 records: j:1",
        "ok   team 1: ledger: jobs completed was 3, counted 0: repaired",
        "ok   team 1: 1 jobs, the ledger holds",
    ]
    assert [line for line in second.stdout.splitlines() if "team 1" in line] == [
        "ok   team 1: 1 jobs, the ledger holds"
    ]


async def test_the_doctor_finds_older_time_zones_than_a_scheduler_had(
    tmp_path: Path, nearby: EmbeddedServer
) -> None:
    async with Redis.from_url(nearby.url, decode_responses=True) as redis:
        await transitions.announce_zones(redis, "s0", release="2199a")

    answer = recuro("doctor", folder=tmp_path)

    assert answer.returncode == 1
    told = f"time zones: {zone_data.release()}, and a scheduler had 2199a: update Recuro or tzdata here"
    assert f"FAIL {told}" in answer.stdout.splitlines()


async def test_the_doctor_refuses_a_redis_that_evicts(tmp_path: Path, nearby: EmbeddedServer) -> None:
    async with Redis.from_url(nearby.url) as redis:
        await redis.config_set("maxmemory-policy", "allkeys-lru")

    answer = recuro("doctor", folder=tmp_path)

    assert answer.returncode == 1
    assert "FAIL eviction policy: allkeys-lru" in answer.stdout


async def test_the_doctor_says_when_jobs_wait_for_a_scheduler(tmp_path: Path, nearby: EmbeddedServer) -> None:
    async with Redis.from_url(nearby.url) as redis:
        await redis.zadd("r:{s0}:due", {"j:1:1": (time.time() - 500) * 1000})

    answer = recuro("doctor", folder=tmp_path)

    assert answer.returncode == 1
    assert "FAIL jobs: one should have started 50" in answer.stdout


async def test_the_doctor_says_when_nothing_outlives_a_crash(tmp_path: Path, nearby: EmbeddedServer) -> None:
    async with Redis.from_url(nearby.url) as redis:
        await redis.config_set("appendonly", "no")

    answer = recuro("doctor", folder=tmp_path)

    assert "durability: none (memory only" in answer.stdout


@pytest.mark.parametrize("service", ["api", "mcp", "worker", "scheduler"])
def test_a_service_that_does_not_run_is_not_healthy(tmp_path: Path, service: str) -> None:
    answer = recuro(
        "healthcheck",
        service,
        folder=tmp_path,
        RECURO_API_PORT="1",
        RECURO_MCP_PORT="1",
        RECURO_REDIS_URL="redis://127.0.0.1:1/0",
    )

    assert answer.returncode == 1
    assert answer.stderr.startswith("recuro healthcheck: ")
    assert "does not answer" in answer.stderr


async def test_a_worker_that_gives_signs_of_life_is_healthy(
    tmp_path: Path, redis: Redis, settings: Settings
) -> None:
    await health.beat(redis, "worker")

    answers = [
        recuro("healthcheck", service, folder=tmp_path, RECURO_REDIS_URL=settings.redis_url).returncode
        for service in ("worker", "scheduler")
    ]

    assert answers == [0, 1]


def test_a_wrong_setting_is_named_in_one_line(tmp_path: Path) -> None:
    answer = recuro("dev", folder=tmp_path, RECURO_API_PORT="many")

    assert answer.returncode == 1
    assert answer.stderr.startswith("RECURO_API_PORT is wrong")
    assert len(answer.stderr.splitlines()) == 1


@pytest.mark.parametrize("variable", ["RECURO_API_PORT", "RECURO_MCP_PORT"])
def test_a_taken_port_is_one_line_that_names_the_variable(tmp_path: Path, variable: str) -> None:
    with taken_port() as holder:
        port = holder.getsockname()[1]
        ports = {"RECURO_API_PORT": "0", "RECURO_MCP_PORT": "0", variable: str(port)}

        answer = recuro("dev", folder=tmp_path, **ports)

    assert answer.returncode == 1
    assert answer.stderr == f"recuro dev: port {port} on 127.0.0.1 is taken: set {variable} to another\n"


def test_a_second_dev_in_the_same_directory_is_one_line(tmp_path: Path, nearby: EmbeddedServer) -> None:
    answer = recuro("dev", folder=tmp_path)

    assert answer.returncode == 1
    assert answer.stderr == (
        f"recuro dev: {tmp_path / '.recuro'} is in use by another Recuro (process {os.getpid()})\n"
    )
