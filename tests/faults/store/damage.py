"""Redis refuses in every way, and keys are damaged in every way: no process ends, the other team is served."""

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx

from shared.errors import Damaged
from shared.security import tokens
from shared.store.keyspace import Team
from tests.damages import DAMAGES
from tests.faults.parts import account
from tests.faults.parts.installation import Options
from tests.faults.stage import OTHER_TEAM, Scene, Stage, playing
from tests.faults.store.data import OTHER_TOKEN
from tests.installation import RECURO
from tests.poll import until

ERRORS = (
    "NOPERM this user has no permissions to run the 'fcall' command",
    "NOAUTH Authentication required.",
    "WRONGPASS invalid username-password pair or user is disabled.",
    "LOADING Redis is loading the dataset in memory",
    "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.",
    "READONLY You can't write against a read only replica.",
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "NOREPLICAS Not enough good replicas to write.",
    "CLUSTERDOWN The cluster is down",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "MOVED 3999 127.0.0.1:6381",
    "TRYAGAIN Multiple keys request during rehashing of slot",
    "CROSSSLOT Keys in request don't hash to the same slot",
    "EXECABORT Transaction discarded because of previous errors.",
    "ERR unknown command 'FCALL', with args beginning with: 'x'",
    "ERR max number of clients reached",
    "ERR Error compiling function: user_function:1: syntax error",
    "ERR user_function:9: attempt to compare nil with number script: 0a1b, on @user_function:9.",
    "ERR The user executing the script can't run this command or subcommand script: 0a1b, on @user_function:9.",
    "WRONGTYPE Operation against a key holding the wrong kind of value",
    "NEWLY a code that nobody has heard of",
)
GARBAGE = (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x00\x01\x02\r\n")
OF_ANOTHER_KIND = (b"+OK\r\n", b"$-1\r\n", b"*0\r\n", b":7\r\n")
"""Replies that do not fit the command: callers may get any answer."""
LASTING_SECONDS, BETWEEN_SECONDS = 1.0, 0.25


async def redis_refuses_in_every_way(scene: Scene) -> None:
    """Each for a second, during work: no process ends, no caller gets a 500, and all is done in the end."""
    async with playing(scene, Options(is_proxied=True)) as stage:
        stage.cron("* * * * * *")
        replies = [f"-{error}\r\n".encode() for error in ERRORS] + list(GARBAGE)
        scene.rng.shuffle(replies)
        with stage.calling(per_second=20) as callers:
            await callers.gain(10)
            for reply in replies:
                await _answered(stage, reply)
                assert stage.installation.answers("/healthz")
            callers.answers.pop(409, None)  # for a record that it considers damaged
            await callers.gain(20)
        for reply in OF_ANOTHER_KIND:
            await _answered(stage, reply)
        await until(lambda: _is_served(stage))
        stage.stop_crons()
        await stage.settle(90)
        stage.no_process_ended()
        stage.story.figures["refusals"] = len(replies)


async def _is_served(stage: Stage) -> bool:
    return stage.installation.client.get("/api/crons").status_code == 200


async def _answered(stage: Stage, reply: bytes) -> None:
    with stage.story.during(repr(reply[:40]), repeats=True), stage.installation.proxy.refusing(reply):
        await asyncio.sleep(LASTING_SECONDS)  # the fault
        assert reply in OF_ANOTHER_KIND or not stage.installation.answers("/readyz"), reply
    stage.no_process_ended()


async def keys_are_damaged(scene: Scene) -> None:
    """Damage one key after the other, of one team and shared ones: meanwhile the other team's work is done."""
    async with playing(scene, Options(), teams=(OTHER_TEAM,)) as stage:
        await tokens.create(stage.redis, team="other", name="x", scopes=("admin",), token=OTHER_TOKEN)
        stage.create(3)
        stage.create(1, delay=3600)
        stage.cron("* * * * * *")
        made: list[int] = []
        with _client(stage) as other:
            other.post("/api/crons", json=_cron(stage)).raise_for_status()
            for damage in scene.rng.sample(DAMAGES, len(DAMAGES)):
                with suppress(Damaged):  # by an earlier one
                    await damage.do(stage.redis)
                stage.story.note(str(damage))
                _worse_than_refused(stage)
                made += _job(stage, other)
                await asyncio.sleep(BETWEEN_SECONDS)  # as many as a hostile minute brings
            await account.all_ended_jobs(stage.redis, OTHER_TEAM, 60)
            stage.no_process_ended()
            states = {other.get(f"/api/jobs/{job}").json()["status"] for job in made}
            fired = _fired(other)
            await until(lambda: _fires_on(other, fired), 60)
        assert states == {"completed"}, states
        # A third of the keys are shared: while one of them is rebuilt, due fires wait and are made as one.
        assert fired > len(DAMAGES) * BETWEEN_SECONDS / 12, f"its cron fired {fired} times"
        stage.story.figures |= {"damages": len(DAMAGES), "jobs of the other team": len(made), "fires": fired}
        await _doctor_names_it(stage)


def _fired(other: httpx.Client) -> int:
    return int(other.get("/api/crons/1/executions?per_page=1").json()["total"])


async def _fires_on(other: httpx.Client, before: int) -> bool:
    return _fired(other) > before + 2


def _worse_than_refused(stage: Stage) -> None:
    """The team with the damaged keys may be refused, but never gets a 500."""
    job = {"queue": "work", "url": stage.url(), "payload": {"n": 1}}
    ways = [("POST", "/api/jobs"), ("GET", "/api/jobs"), ("GET", "/api/crons"), ("GET", "/api/queues")]
    for method, path in ways:
        answer = stage.installation.client.request(method, path, json=job if method == "POST" else None)
        assert answer.status_code in (200, 201, 404, 409, 503), f"{method} {path}: {answer.text}"


def _job(stage: Stage, other: httpx.Client) -> list[int]:
    """A job of the other team, unless a shared key is just being repaired."""
    job = {"queue": "work", "url": stage.url("/theirs"), "headers": {"X-Other-Team": "2"}}
    answer = other.post("/api/jobs", json=job)
    assert answer.status_code in (201, 409, 503), answer.text
    return [answer.json()["job_id"]] if answer.status_code == 201 else []


def _cron(stage: Stage) -> dict[str, object]:
    return {"name": "theirs", "url": stage.url("/theirs-cron"), "cron_expression": "* * * * * *"}


@contextmanager
def _client(stage: Stage) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {OTHER_TOKEN}"}
    with httpx.Client(
        base_url=stage.installation.api, headers=headers, trust_env=False, timeout=10
    ) as client:
        yield client


async def _doctor_names_it(stage: Stage) -> None:
    """All that was put aside is named, and the doctor fails."""
    argv = [str(RECURO), "doctor", "--reconcile"]
    said = await asyncio.to_thread(
        subprocess.run, argv, env=stage.installation.environment, capture_output=True, text=True, check=False
    )
    prefix = Team(1).prefix
    aside = [key.removeprefix(prefix) async for key in stage.redis.scan_iter(f"{prefix}aside:*")]
    unnamed = [name for name in aside if name.removeprefix("aside:") not in said.stdout]
    assert aside, "nothing was put aside"
    assert not unnamed, (unnamed, said.stderr, said.stdout[-1500:])
    assert said.returncode == 1, said.stdout
    stage.story.figures["named"] = said.stdout.count("damaged: ")


BOUNDED = (redis_refuses_in_every_way, keys_are_damaged)
LONG = ()
