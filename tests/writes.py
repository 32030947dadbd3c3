"""Every write of the REST API and of MCP, with what must be there before it: whoever adds one adds a row."""

from dataclasses import dataclass, field, replace
from typing import Any

from httpx import AsyncClient, Response
from redis.asyncio import Redis

from services.api import pings
from services.api.routing import Resource
from services.api.table import OPERATIONS
from shared.store.keyspace import Team
from tests import dead, people

CRON = {"name": "ping", "url": "https://a.example/", "cron_expression": "0 0 1 1 *"}
HEARTBEAT = {"name": "backup", "cron_expression": "0 0 1 1 *", "mode": "heartbeat"}
JOB = {"queue": "mail", "url": "https://a.example/"}
QUEUE = {"name": "letters"}
TOKEN = {"name": "reports", "scopes": ["write"], "hosts": ["*.example.com"], "calls_per_hour": 1000}
HOOK = {"slack": {"url": "https://hooks.slack.example/services/secret"}}
SIGNING, CHANNELS = "/api/settings/signing", "/api/settings/notifications"
REPLAY = "/api/dead-letters/replay"
PAST = {"from": "2020-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}


@dataclass(frozen=True, slots=True)
class Made:
    """A request that makes what a write needs."""

    method: str
    path: str
    body: Any = None


@dataclass(frozen=True, slots=True)
class Write:
    """One method of one route; `script`: what does it, in the last of so many `steps`.

    Fields of the answer to the last of `before` may stand in `path`.
    """

    method: str
    route: str
    path: str
    script: str
    body: Any = None
    before: tuple[Made, ...] = ()
    first: tuple[Made, ...] = ()
    """What must be there before the dead letters."""
    dead_letters: int = 0
    steps: int = 1
    members: int = 0
    """So many users are in the team, the first of them its owner."""

    def __str__(self) -> str:
        return f"{self.method} {self.route}{' in steps' if self.steps > 1 else ''}"


_CRON, _JOB, _QUEUE = (Made("POST", f"/api/{noun}", body) for noun, body in (("crons", CRON), ("jobs", JOB), ("queues", QUEUE)))  # fmt: skip
_BEATS, _HOOKED, _SIGNED = (
    Made("POST", "/api/crons", HEARTBEAT),
    Made("PUT", CHANNELS, HOOK),
    Made("POST", SIGNING),
)
_KEYED = Made("PUT", "/api/crons/by-key/nightly", CRON | {"name": "before"})
INVITATION = {"email": "ada@example.com"}
_INVITED = Made("POST", "/api/invitations", INVITATION)
_TOKEN = Made("POST", "/api/tokens", TOKEN)
_BACKFILLED = Made("POST", "/api/crons/1/backfill", PAST)
_ALERTING = Made("POST", "/api/queues", {"name": "mail", "alerts_enabled": True})
MANY = {"ids": [*range(1, 1002)]}
BULK = Made("POST", "/api/jobs/bulk", {"action": "cancel", **MANY})
_REPLAYED = Made("POST", REPLAY, {"all": True})

# fmt: off
WRITES = (
    Write("POST", "/api/jobs", "/api/jobs", "create_jobs", JOB),
    Write("POST", "/api/jobs/batch", "/api/jobs/batch", "create_jobs", {"jobs": [JOB, {}, JOB]}),
    Write("POST", "/api/jobs/batch", "/api/jobs/batch", "create_jobs", {"jobs": [JOB] * 600}, steps=3),
    Write("POST", "/api/jobs/bulk", "/api/jobs/bulk", "note_bulk", {"action": "cancel", "ids": [1, 7]}, (_JOB,)),
    Write("POST", "/api/jobs/bulk", "/api/jobs/bulk", "note_bulk", {"action": "cancel", "ids": [1, 7]}, (_JOB,), steps=2),
    Write("POST", "/api/jobs/bulk", "/api/jobs/bulk", "start_bulk", BULK.body, (_JOB,)),
    Write("POST", "/api/bulk/{bulk_id}/cancel", "/api/bulk/{id}/cancel", "cancel_bulk", before=(BULK,)),
    Write("POST", "/api/jobs/{job_id}/cancel", "/api/jobs/1/cancel", "cancel_job", before=(_JOB,)),
    Write("PATCH", "/api/jobs/{job_id}", "/api/jobs/1", "move_job", {"at": "2027-01-01T09:00:00Z"}, (_JOB,)),
    Write("DELETE", "/api/jobs/{job_id}", "/api/jobs/1", "delete_job", before=(_JOB,)),
    Write("POST", "/api/crons", "/api/crons", "save_cron", CRON),
    Write("PATCH", "/api/crons/{cron_id}", "/api/crons/1", "save_cron", {"name": "pong"}, (_CRON,)),
    Write("PUT", "/api/crons/{cron_id}", "/api/crons/1", "save_cron", {"is_active": False}, (_CRON,)),
    Write("PUT", "/api/crons/by-key/{cron_key}", "/api/crons/by-key/nightly", "save_cron", CRON, (_KEYED,)),
    Write("PUT", "/api/crons/by-key/{cron_key}", "/api/crons/by-key/nightly", "save_cron", CRON),
    Write("POST", "/api/crons/bulk", "/api/crons/bulk", "note_bulk", {"action": "pause", "ids": [1, 7]}, (_CRON,)),
    Write("POST", "/api/crons/bulk", "/api/crons/bulk", "note_bulk", {"action": "pause", "ids": [1, 7]}, (_CRON,), steps=2),
    Write("POST", "/api/crons/bulk", "/api/crons/bulk", "start_bulk", {"action": "pause", **MANY}, (_CRON,)),
    Write("DELETE", "/api/crons/{cron_id}", "/api/crons/1", "delete_cron", before=(_CRON,)),
    Write("POST", "/api/crons/{cron_id}/run", "/api/crons/1/run", "run_cron", before=(_CRON,)),
    Write("POST", "/api/crons/{cron_id}/backfill", "/api/crons/1/backfill", "start_backfill", PAST, before=(_CRON,)),
    Write("POST", "/api/backfills/{backfill_id}/cancel", "/api/backfills/{id}/cancel", "cancel_backfill", before=(_CRON, _BACKFILLED)),
    Write("GET", "/ping/{key}", "/ping/{ping_key}", "ping_cron", before=(_BEATS,)),
    Write("POST", "/ping/{key}", "/ping/{ping_key}", "ping_cron", before=(_BEATS,)),
    Write("GET", "/ping/{key}/fail", "/ping/{ping_key}/fail", "ping_cron", before=(_BEATS,)),
    Write("POST", "/ping/{key}/fail", "/ping/{ping_key}/fail", "ping_cron", before=(_BEATS,)),
    Write("GET", "/ping/{key}/start", "/ping/{ping_key}/start", "ping_cron", before=(_BEATS,)),
    Write("POST", "/ping/{key}/start", "/ping/{ping_key}/start", "ping_cron", before=(_BEATS,)),
    Write("GET", "/ping/{key}/log", "/ping/{ping_key}/log", "ping_cron", before=(_BEATS,)),
    Write("POST", "/ping/{key}/log", "/ping/{ping_key}/log", "ping_cron", before=(_BEATS,)),
    Write("GET", "/ping/{key}/{exit_status:int}", "/ping/{ping_key}/3", "ping_cron", before=(_BEATS,)),
    Write("POST", "/ping/{key}/{exit_status:int}", "/ping/{ping_key}/3", "ping_cron", before=(_BEATS,)),
    Write("POST", "/api/queues", "/api/queues", "save_queue", QUEUE),
    Write("PATCH", "/api/queues/{queue_id}", "/api/queues/1", "save_queue", {"weight": 7}, (_QUEUE,)),
    Write("DELETE", "/api/queues/{queue_id}", "/api/queues/1", "delete_queue", before=(_QUEUE,)),
    Write("POST", "/api/queues/{queue_id}/keys/pause", "/api/queues/1/keys/pause", "pause_key", {"key": "a"}, (_QUEUE,)),
    Write("POST", "/api/queues/{queue_id}/keys/resume", "/api/queues/1/keys/resume", "pause_key", {"key": "a"}, (_QUEUE,)),
    Write("POST", REPLAY, REPLAY, "replay_jobs", {"ids": [1, 2]}, dead_letters=3),
    Write("POST", REPLAY, REPLAY, "start_replay", {"all": True}, dead_letters=3),
    Write("POST", REPLAY, REPLAY, "collect_replay", {"all": True}, dead_letters=450, steps=3),
    Write("POST", "/api/dead-letters/purge", "/api/dead-letters/purge", "purge_jobs", {"all": True}, dead_letters=3),
    Write("POST", "/api/dead-letters/replays/{replay_id}/cancel", "/api/dead-letters/replays/1/cancel",
          "cancel_replay", before=(_REPLAYED,), dead_letters=3),
    Write("PATCH", "/api/problems/{problem_id}", "/api/problems/1", "change_problem", {"state": "ignored"}, dead_letters=1),
    Write("POST", "/api/alerts/{alert_id}/quiet", "/api/alerts/1/quiet", "quiet_alert", {}, first=(_ALERTING,), dead_letters=1),
    Write("POST", "/api/alerts/{alert_id}/resend", "/api/alerts/1/resend", "resend_alert", {"channel": "slack"},
          (_HOOKED,), first=(_ALERTING,), dead_letters=1),
    Write("PUT", CHANNELS, CHANNELS, "set_team", HOOK),
    Write("POST", f"{CHANNELS}/test", f"{CHANNELS}/test", "test_channel", {"channel": "slack"}, (_HOOKED,)),
    Write("PUT", "/api/settings/limits", "/api/settings/limits", "set_team", {"soft_limit": 7}),
    Write("PUT", "/api/settings/redaction", "/api/settings/redaction", "set_team", {"redact": ["body.pin"]}),
    Write("POST", SIGNING, SIGNING, "rotate_signing", {"keep_hours": 1}, (_SIGNED,)),
    Write("DELETE", SIGNING, SIGNING, "set_team", before=(_SIGNED,)),
    Write("PATCH", "/api/team", "/api/team", "rename_team", {"name": "Billing"}),
    Write("DELETE", "/api/team", "/api/team", "delete_team"),
    Write("POST", "/api/team/hand-over", "/api/team/hand-over", "hand_over_team", {"member_id": 2}, members=2),
    Write("PATCH", "/api/members/{member_id}", "/api/members/2", "set_role", {"role": "admin"}, members=2),
    Write("DELETE", "/api/members/{member_id}", "/api/members/2", "remove_member", members=2),
    Write("POST", "/api/invitations", "/api/invitations", "create_invitation", INVITATION),
    Write("DELETE", "/api/invitations/{invitation_id}", "/api/invitations/{id}", "cancel_invitation",
          before=(_INVITED,)),
    Write("POST", "/api/tokens", "/api/tokens", "save_token", TOKEN),
    Write("PATCH", "/api/tokens/{token_id}", "/api/tokens/{id}", "save_token", {"may_delete": False}, (_TOKEN,)),
    Write("DELETE", "/api/tokens/{token_id}", "/api/tokens/{id}", "delete_token", before=(_TOKEN,)),
    Write("POST", "/api/tokens/{token_id}/regenerate", "/api/tokens/{id}/regenerate", "renew_token",
          before=(_TOKEN,)),
)
# fmt: on


def routes() -> set[tuple[str, str]]:
    """The methods that may change something, and their routes, out of the application's own tables."""
    found: set[tuple[str, str]] = {(one.method, one.path) for one in OPERATIONS if one.is_write}
    for route in pings.routes:
        resource = route.endpoint
        assert isinstance(resource, Resource)
        found |= {
            (method, resource.path) for method in resource.methods
        }  # GET too, for those who can do no more
    return found


async def ready(client: AsyncClient, redis: Redis, team: Team, write: Write) -> Write:
    """The write, with all there that it needs."""
    await people.join(redis, "one", write.members)
    for made in write.first:
        await ask(client, made.method, made.path, made.body)
    if write.dead_letters:
        await dead.dead_letters(redis, team, write.dead_letters)
    said: dict[str, Any] = {}
    for made in write.before:
        said = (await ask(client, made.method, made.path, made.body)).json()
    return replace(write, path=write.path.format_map(said))


async def ask(client: AsyncClient, method: str, path: str, body: Any, **headers: str) -> Response:
    given = {} if body is None else {"json": body}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.request(method, path, headers=named, **given)


async def do(client: AsyncClient, write: Write, **headers: str) -> Response:
    return await ask(client, write.method, write.path, write.body, **headers)


@dataclass(frozen=True, slots=True)
class ToolWrite:
    """One tool that writes, and the tools called before it."""

    tool: str
    script: str
    arguments: dict[str, Any]
    before: tuple[tuple[str, dict[str, Any]], ...] = field(default=())

    def __str__(self) -> str:
        return self.tool


TOOL_WRITES = (
    ToolWrite("create-cron", "save_cron", CRON),
    ToolWrite("update-cron", "save_cron", {"id": 1, "name": "pong"}, (("create-cron", CRON),)),
    ToolWrite("delete-cron", "delete_cron", {"id": 1}, (("create-cron", CRON),)),
    ToolWrite("create-job", "create_jobs", JOB),
    ToolWrite("delete-job", "delete_job", {"id": 1}, (("create-job", JOB),)),
    ToolWrite("run-cron", "run_cron", {"id": 1}, (("create-cron", CRON),)),
    ToolWrite("create-crons", "note_bulk", {"crons": [CRON, CRON]}),
    ToolWrite(
        "update-queue", "save_queue", {"queue": JOB["queue"], "is_active": False}, (("create-job", JOB),)
    ),
    ToolWrite("replay-dead-letters", "replay_jobs", {"ids": [1]}),
    ToolWrite("set-alert-channel", "set_team", {"channel": "email", "to": ["ops@example.com"]}),
)
IN_STEPS = ("update-crons", "delete-many")
"""Tools whose repeat goes on where the first call broke off."""
