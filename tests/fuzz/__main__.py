"""`python -m tests.fuzz`: schemathesis over the whole OpenAPI document, as callers of every kind.

It sends what the document allows and what it forbids, and holds every answer beside it: none may be a 5xx, none of a
status, header or shape that the document has not, and nothing that it forbids may be taken.
"""

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx

from services.api.openapi.document import document
from services.cli import embedded
from shared.actions import alerts
from shared.security import tokens
from shared.settings import Settings
from shared.store import connection, keyspace
from tests import people
from tests.api.serving import serving
from tests.writes import CRON, HEARTBEAT, INVITATION, JOB, QUEUE

CALLERS = ("admin", "write", "read", "limited", "stranger", "nobody")
PHASES, BOUNDED_PHASES = "examples,coverage,fuzzing", "examples,coverage"
STATEFUL = "stateful"
# An address that is too long is refused before anybody looks at what is wrong with it.
CONFIG = """[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 414, 415, 422, 428, 429, "5xx"]
"""
LIMITS = {"hosts": ["*.example"], "queues": ["m*"], "may_delete": False, "runs_per_hour": 100}
# The document cannot say all that a request must be: whether a host may be called, or an expression ever fires.
NOT_CHECKED = "positive_data_acceptance"
SEEDED = (
    ("crons", CRON),
    ("crons", HEARTBEAT),
    ("jobs", JOB),
    ("queues", QUEUE),
    ("invitations", INVITATION),
)
SEED_COUNT = 3
ENDS_THE_RUN = "delete-team"
"""After it no token is worth anything; `tests/api/accounts/test_team.py` tries it."""
END_TOKENS = ("delete-token", "regenerate-token")
"""Tried last, by each caller alone: they end the tokens that all come with."""


def main() -> int:
    """1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), help="repeats a run")
    parser.add_argument("--bounded", action="store_true", help="only the phases that end within two minutes")
    parser.add_argument(
        "--examples", type=int, default=40, help="requests an operation in the phase of chance"
    )
    parser.add_argument("--as", dest="callers", action="append", choices=CALLERS, help="only as this caller")
    arguments = parser.parse_args()
    alerts.WAIT_SECONDS = 0.0  # no worker is there to bring the outcome of a test message
    with tempfile.TemporaryDirectory(prefix="recuro-fuzz-") as folder:
        server = embedded.start(Path(folder))
        try:
            failed = _tried(Settings(redis_url=server.url, api_port=0), arguments, Path(folder))
        finally:
            server.stop()
    print(f"seed {arguments.seed}: {'failed as ' + ', '.join(failed) if failed else 'nothing was found'}")
    return 1 if failed else 0


def _tried(settings: Settings, arguments: argparse.Namespace, folder: Path) -> list[str]:
    """The callers as whom something was found."""
    made = asyncio.run(_tokens(settings))
    with serving(settings) as address:
        made["limited"] = _seed(address, made["admin"])
        described = _document(folder)
        callers = arguments.callers or CALLERS
        without = [f"--exclude-operation-id={name}" for name in (ENDS_THE_RUN, *END_TOKENS)]
        alone = [f"--include-operation-id={name}" for name in END_TOKENS]
        phases = BOUNDED_PHASES if arguments.bounded else PHASES
        without.append(f"--phases={phases}" if arguments.bounded else f"--phases={phases},{STATEFUL}")
        alone.append(f"--phases={phases}")
        return [
            caller
            for chosen in (without, alone)
            for caller in callers
            if not _passes(address, made.get(caller), arguments, caller, (described, chosen))
        ]


async def _tokens(settings: Settings) -> dict[str, str]:
    async with connection.connect(settings) as redis:
        # It tries small ids, and must not end the tokens that it comes with.
        await redis.hset(f"{keyspace.prefix(keyspace.GLOBAL)}ids:1", "token", "1000000")  # type: ignore[misc]
        ours = {
            scope: await tokens.create(redis, team="one", name=scope, scopes=(scope,))
            for scope in ("admin", "write", "read")
        }
        await people.join(redis, "one", SEED_COUNT)
        return {**ours, "stranger": await tokens.create(redis, team="two", name="any", scopes=("admin",))}


def _document(folder: Path) -> Path:
    """Without X-Request-Id, for which version 4.32 takes ids out of answers, and then fails to send numbers.

    And without waits: no worker ends what they are for, so each takes all of its seconds.
    """
    described = document()
    del described["components"]["parameters"]["RequestId"]
    for methods in described["paths"].values():
        for operation in methods.values():
            own = operation.get("parameters", [])
            operation["parameters"] = [
                one
                for one in own
                if not one.get("$ref", "").endswith("/RequestId") and one.get("name") != "wait"
            ]
    path = folder / "openapi.json"
    path.write_text(json.dumps(described))
    (folder / "schemathesis.toml").write_text(CONFIG)
    return path


def _seed(address: str, token: str) -> str:
    """Some of each noun, so that small ids are there; returns a token with limits."""
    with httpx.Client(
        base_url=address, headers={"Authorization": f"Bearer {token}"}, trust_env=False
    ) as client:
        for number in range(SEED_COUNT):
            for noun, body in SEEDED:
                fields = {**body, "name": f"{body['name']} {number}"} if "name" in body else body
                client.post(f"/api/{noun}", json=fields).raise_for_status()
        client.post("/api/crons/1/run").raise_for_status()
        made = client.post("/api/tokens", json={"name": "limited", "scopes": ["admin"], **LIMITS})
        return str(made.raise_for_status().json()["token"])


def _passes(
    address: str,
    token: str | None,
    arguments: argparse.Namespace,
    caller: str,
    what: tuple[Path, list[str]],
) -> bool:
    """Run where nothing is remembered of runs before."""
    described, chosen = what
    print(f"== as {caller} {' '.join(chosen)}", flush=True)
    command = [str(Path(sys.executable).parent / "schemathesis"), "run", str(described), "--url", address]
    command += ["--checks", "all"]
    command += ["--exclude-checks", NOT_CHECKED, "--max-examples", str(arguments.examples)]
    command += ["--seed", str(arguments.seed), "--suppress-health-check", "all", "--no-color"]
    command += chosen
    if token:
        command += ["-H", f"Authorization: Bearer {token}"]
    return subprocess.run(command, cwd=described.parent, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
