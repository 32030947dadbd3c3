"""What the rules of a request's owner name is sent, and nowhere kept."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any
from urllib.parse import quote

import pytest
from redis.asyncio import Redis

from services.worker.context import Context
from services.worker.http.client import Sender
from services.worker.http.response import KEPT_BYTES
from services.worker.intake.claims import Claims
from services.worker.processor import process
from services.worker.redaction import MOST_VALUES
from services.worker.requests import request_of
from services.worker.work import Job as WorkOfJob
from shared.actions import alerts, crons, dead_letters, executions, jobs, queues, resealing
from shared.actions.redaction import of_team
from shared.basics.redaction import NOT_JSON, REDACTED
from shared.basics.spelling import Spelled
from shared.schemas.alerts import AlertQuery
from shared.schemas.assertions import JsonPathEquals
from shared.schemas.crons import CronCreate
from shared.schemas.jobs import Job, JobCreate
from shared.schemas.queues import QueueCreate, QueueUpdate
from shared.schemas.runs import Run
from shared.schemas.teams import Redaction
from shared.security.addresses import Policy
from shared.security.admission import Admission
from shared.security.vault import Vault
from shared.store import keyspace, transitions
from shared.store.care import damage
from shared.store.keyspace import Team
from tests.calls import call_of
from tests.conftest import LOOPBACK, MAILER, VAULT
from tests.target import Target

CARD, SESSION, PIN = "4111-canary-1111", "canary of a/session", "canary-pin-77"
HEADERS = {"X-Session": SESSION, "X-Tenant": "7"}
PAYLOAD = {"card": {"number": CARD, "of": "Ada"}, "login": [{"pin": PIN}], "n": 1}
KEPT = {"card": {"number": REDACTED, "of": "Ada"}, "login": [{"pin": REDACTED}], "n": 1}
RULES = ("headers.X-Session", "body.card.number", "body.**.pin")
ADMISSION = Admission(Policy(LOOPBACK), VAULT)


@pytest.fixture
async def context(redis: Redis) -> AsyncIterator[Context]:
    async with Sender(Policy(LOOPBACK)) as sender:
        yield Context(redis, sender, VAULT, MAILER)


async def run_all(context: Context) -> None:
    worker = Claims(context.redis, keyspace.SHARDS[0], "w")
    while works := await worker.claim(10):
        await worker.finish([await process(work, context) for work in works])


async def queue(redis: Redis, team: Team, rules: Sequence[str] = RULES, **settings: Any) -> None:
    await queues.create(call_of(redis, team), QueueCreate(name="mail", redact=tuple(rules), **settings))


async def made(redis: Redis, team: Team, target: Target, **asked: Any) -> int:
    body = {} if "body" in asked else {"payload": PAYLOAD}
    job = JobCreate.model_validate(
        {"queue": "mail", "url": f"{target.url}/work", "headers": HEADERS} | body | asked
    )
    return (await jobs.create(call_of(redis, team), ADMISSION.admit(team, job))).id


async def done(context: Context, team: Team, target: Target, **asked: Any) -> Job:
    job = await made(context.redis, team, target, **asked)
    await run_all(context)
    return await jobs.get(context.redis, team, job)


def run_of(one: Any) -> Run:
    assert one.run
    run: Run = one.run
    return run


async def everything(redis: Redis) -> str:
    """All that Redis has, read value by value: a dump may be packed."""
    readers: dict[str, Callable[[str], Any]] = {
        "string": lambda key: redis.get(key),
        "hash": lambda key: redis.hgetall(key),
        "list": lambda key: redis.lrange(key, 0, -1),
        "set": lambda key: redis.smembers(key),
        "zset": lambda key: redis.zrange(key, 0, -1),
        "stream": lambda key: redis.xrange(key),
    }
    return str([(key, await readers[await redis.type(key)](key)) for key in await redis.keys("*")])


async def test_what_is_named_is_sent_and_neither_kept_nor_shown(
    context: Context, team: Team, target: Target
) -> None:
    await queue(context.redis, team)
    target.answer_with(200, json.dumps({"n": 2, "pin": PIN}).encode(), {"X-Session": SESSION})

    job = await done(context, team, target)

    sent = target.received[0]
    assert (json.loads(sent.body), sent.headers["X-Session"]) == (PAYLOAD, SESSION)
    assert (job.payload, job.headers) == (KEPT, {"X-Session": REDACTED, "X-Tenant": "7"})
    run = run_of(job)
    assert (run.request_headers or {})["X-Session"] == REDACTED
    assert json.loads(run.request_body or "") == KEPT
    assert (run.response_headers or {})["x-session"] == REDACTED
    assert run.response_body == '{"n":2,"pin":"[redacted]"}'
    assert "canary" not in await everything(context.redis)


@pytest.mark.parametrize("owner", ["queue", "team", "cron"])
async def test_a_queue_a_cron_or_the_whole_team_has_rules(
    context: Context, team: Team, target: Target, owner: str
) -> None:
    redis, target_url = context.redis, f"{target.url}/work"
    target.answer_with(200, json.dumps({"you": PAYLOAD}).encode(), {"X-Was": SESSION})
    if owner == "team":
        await of_team.put(call_of(redis, team), Redaction(redact=RULES))
    if owner != "cron":
        await queue(redis, team, RULES if owner == "queue" else ())
        run = run_of(await done(context, team, target))
    else:
        asked = CronCreate(
            name="ping", url=target_url, cron_expression="0 0 1 1 *", headers=HEADERS,
            payload=json.dumps(PAYLOAD), redact=RULES,
        )  # fmt: skip
        cron = await crons.create(call_of(redis, team), asked)
        execution = await executions.create(call_of(redis, team), cron.id)
        await run_all(context)
        run = run_of(await executions.get(redis, team, cron.id, execution.id))
        shown = await crons.get(redis, team, cron.id)
        assert json.loads(shown.payload or "") == KEPT
        assert "canary" not in (shown.last_response or "")

    assert json.loads(target.received[0].body) == PAYLOAD
    assert json.loads(run.request_body or "") == KEPT
    assert (run.request_headers or {})["X-Session"] == REDACTED
    assert "canary" not in await everything(redis)


@pytest.mark.parametrize("queued", [True, False])
async def test_rules_of_a_team_hold_for_queues_made_before_and_on_first_use(
    context: Context, team: Team, target: Target, queued: bool
) -> None:
    if queued:
        await queue(context.redis, team, ())
    await of_team.put(call_of(context.redis, team), Redaction(redact=RULES))

    job = await done(context, team, target)
    await of_team.put(call_of(context.redis, team), Redaction())
    later = await done(context, team, target, headers=None)

    assert job.payload == KEPT
    assert later.payload == PAYLOAD


async def test_queues_are_told_step_by_step_and_by_whoever_reconciles(redis: Redis, team: Team) -> None:
    await of_team.put(call_of(redis, team), Redaction(redact=RULES))
    for name in ("one", "two", "three"):
        await queues.create(call_of(redis, team), QueueCreate(name=name))
    keys = [f"{team.prefix}q:{team.id}:{number}" for number in (1, 2, 3)]

    async def forget_and_know() -> list[int]:
        return [await redis.hdel(key, "redact_of_team") for key in keys]  # type: ignore[misc]

    assert await forget_and_know() == [1, 1, 1]
    steps = [await transitions.spread_redaction(redis, team, after=n, limit=2) for n in (0, 2)]
    assert await forget_and_know() == [1, 1, 1]
    _ = [step async for step in damage.mend_queues(redis, team)]

    assert steps == [2, 0]
    assert await forget_and_know() == [1, 1, 1]


async def test_a_queue_that_was_lost_has_the_rules_of_its_team(
    redis: Redis, context: Context, team: Team, target: Target
) -> None:
    await of_team.put(call_of(redis, team), Redaction(redact=RULES))
    await queue(redis, team, ())
    await redis.delete(f"{team.prefix}q:{team.id}:1")

    job = await done(context, team, target)

    assert job.payload == KEPT


async def test_two_queues_of_a_batch_have_rules_of_their_own(redis: Redis, team: Team) -> None:
    await queue(redis, team)
    await queues.create(call_of(redis, team), QueueCreate(name="pins", redact=("body.login",)))
    asked = [JobCreate(queue=name, url="https://a.example/", payload=PAYLOAD) for name in ("pins", "mail")]

    await jobs.create_many(call_of(redis, team), asked)

    assert (await jobs.get(redis, team, 1)).payload == PAYLOAD | {"login": REDACTED}
    assert (await jobs.get(redis, team, 2)).payload == KEPT


async def test_rules_of_a_queue_and_its_team_hold_together(
    context: Context, team: Team, target: Target
) -> None:
    await of_team.put(call_of(context.redis, team), Redaction(redact=RULES[:1]))
    await queue(context.redis, team, RULES[1:])

    job = await done(context, team, target)

    assert (job.payload, (job.headers or {})["X-Session"]) == (KEPT, REDACTED)


async def test_jobs_of_a_batch_have_the_rules_of_their_queues(
    context: Context, team: Team, target: Target
) -> None:
    await queue(context.redis, team)
    asked = [JobCreate(queue=name, url=target.url, payload=PAYLOAD) for name in ("open", "mail", "open")]

    batch = await jobs.create_many(call_of(context.redis, team), asked)

    shown = [(await jobs.get(context.redis, team, one.id)).payload for one in batch]
    assert shown == [PAYLOAD, KEPT, PAYLOAD]
    assert [one.id for one in batch] == [1, 2, 3]


@pytest.mark.parametrize(
    "spelt",
    [
        CARD,
        quote(SESSION, safe=""),
        json.dumps(CARD),
        json.dumps({"a": {"b": [CARD]}}),
        json.dumps({"a": CARD}).replace("c", "\\u0063").replace("4", "\\u0034"),
        json.dumps({"a": json.dumps({"b": json.dumps({"c": CARD})})}),
        json.dumps({"a": json.dumps({"b": SESSION}).replace("c", "\\u0063")}),
        json.dumps({CARD: 1, "n": [f"it was {SESSION}, and {PIN}"]}),
        json.dumps({"a": SESSION}).replace("/", "\\/"),
    ],
)
async def test_what_is_named_is_found_however_a_target_echoes_it(
    context: Context, team: Team, target: Target, spelt: str
) -> None:
    await queue(context.redis, team)
    target.answer_with(500, spelt.encode(), {"X-Was": f"{SESSION}; {CARD}", "Location": CARD})

    run = run_of(await done(context, team, target))

    said = f"{run.response_body}{run.response_headers}{run.error_message}"
    assert REDACTED in (run.response_body or "") or run.response_body == NOT_JSON
    for value in (CARD, SESSION, PIN, "canary", quote(SESSION, safe=""), "\\u0063"):
        assert value not in said
    assert "canary" not in await everything(context.redis)


async def test_a_short_value_is_found_where_it_is_all_of_a_text(
    context: Context, team: Team, target: Target
) -> None:
    await queue(context.redis, team, ["body.cvv"])
    target.answer_with(200, b'{"seen": ["123", 123], "total": 1234}')

    run = run_of(await done(context, team, target, payload={"cvv": "123"}))

    assert run.response_body == '{"seen":["[redacted]","[redacted]"],"total":1234}'


@pytest.mark.parametrize("body", [b"card.number=4111-canary-1111", b"<b>ok</b>", b'{"a": 1}}'])
async def test_of_what_is_no_json_nothing_is_kept(
    context: Context, team: Team, target: Target, body: bytes
) -> None:
    await queue(context.redis, team)
    target.answer_with(200, body)

    job = await done(context, team, target, body=body.decode(), headers=None)

    assert target.received[0].body == body
    assert (job.body, run_of(job).request_body, run_of(job).response_body) == (NOT_JSON,) * 3


async def test_rules_of_headers_leave_other_bodies_as_they_are(
    context: Context, team: Team, target: Target
) -> None:
    await queue(context.redis, team, ["headers.X-Session"])
    target.answer_with(200, b"<b>ok</b>")

    job = await done(context, team, target, body="plain")

    assert (job.body, run_of(job).response_body) == ("plain", "<b>ok</b>")


@pytest.mark.parametrize("left", [5, 20, 40])
async def test_of_an_answer_that_was_cut_its_beginning_is_kept_without_it(
    context: Context, team: Team, target: Target, left: int
) -> None:
    await queue(context.redis, team)
    begins = '{"n": 1, "a": "'
    filler = "." * (KEPT_BYTES - len(begins) - len('", "pin": "') - left)
    target.answer_with(200, f'{begins}{filler}", "pin": "{"canary" * 20}"}}'.encode())

    run = run_of(await done(context, team, target))

    assert run.response_truncated
    assert (run.response_body or "").startswith('{"n":1,"a":"...')
    assert "can" not in (run.response_body or "")


async def test_of_an_answer_to_very_many_values_no_text_is_kept(
    context: Context, team: Team, target: Target
) -> None:
    await queue(context.redis, team, ["body.pins"])
    target.answer_with(500, b'{"a": "pin-00000007"}', {"X-Was": "pin-00000008"})

    pins = [f"pin-{n:08}" for n in range(MOST_VALUES + 1)]
    job = await done(context, team, target, payload={"pins": pins}, headers=None)

    assert run_of(job).response_body == REDACTED
    assert "pin-0" not in f"{run_of(job)}{job.payload}"


async def test_a_sentence_about_an_answer_does_not_quote_it(
    context: Context, team: Team, target: Target
) -> None:
    expected = JsonPathEquals(type="json_path_equals", path="$.pin", value="9")
    await queue(context.redis, team, success_assertions=(expected,))
    target.answer_with(200, b'{"pin": "12"}')

    run = run_of(await done(context, team, target))

    assert run.error_message == f"Assertion json_path_equals failed: {REDACTED}."


async def test_a_redirect_is_told_of_without_it(context: Context, team: Team, target: Target) -> None:
    await queue(context.redis, team)
    target.answer_with(302, headers={"Location": f"https://b.example/?{quote(SESSION)}"})

    run = run_of(await done(context, team, target))

    assert run.error_message
    assert "canary" not in f"{run}"


async def test_the_verdict_reads_what_is_not_kept(context: Context, team: Team, target: Target) -> None:
    await queue(context.redis, team, ["headers.Recuro-No-Retry"])
    target.answer_with(500, headers={"Recuro-No-Retry": "true"})

    job = await done(context, team, target)

    assert (run_of(job).response_headers or {})["recuro-no-retry"] == REDACTED
    assert job.final_status == "dead_lettered"


async def test_retries_and_replays_send_all_of_it(
    redis: Redis, context: Context, team: Team, target: Target
) -> None:
    await queue(redis, team, retry_delays=())
    target.answer_with(500)
    job = await done(context, team, target)

    replayed = await dead_letters.replay_now(call_of(redis, team), [job.id])
    await run_all(context)

    first, second = target.received
    assert (second.body, second.headers["X-Session"]) == (first.body, first.headers["X-Session"])
    again = await jobs.get(redis, team, replayed.replayed[0].new_job_id)
    assert (again.payload, again.headers) == (job.payload, job.headers)
    assert "canary" not in await everything(redis)


async def test_numbers_are_sent_as_they_were_spelled(context: Context, team: Team, target: Target) -> None:
    await queue(context.redis, team)
    spelled = Spelled({"n": 1.1, "pin": PIN}, f'{{"n":1.10,"pin":"{PIN}"}}')
    job = JobCreate(queue="mail", url=target.url).model_copy(update={"payload": spelled})

    await jobs.create(call_of(context.redis, team), job)
    await run_all(context)

    assert target.received[0].body == spelled.text.encode()


async def test_callbacks_and_alerts_are_told_without_it(
    redis: Redis, context: Context, team: Team, target: Target
) -> None:
    await queue(redis, team, retry_delays=(), alerts_enabled=True)
    target.answer("/work", 500, json.dumps({"you": CARD, "pin": PIN}).encode())

    await done(context, team, target, callback_url=f"{target.url}/told")

    (told,) = [one for one in target.received if one.path == "/told"]
    (alert,) = (await alerts.page(redis, team, AlertQuery())).data
    assert json.loads(told.body)["payload"] == KEPT
    assert alert.data.response == '{"you":"[redacted]","pin":"[redacted]"}'
    assert b"canary" not in told.body


async def test_a_rule_that_comes_later_holds_for_answers_to_what_waits(
    redis: Redis, context: Context, team: Team, target: Target
) -> None:
    await queue(redis, team, ())
    target.answer_with(200, json.dumps({"you": CARD}).encode())
    job = await made(redis, team, target, delay=0)

    await queues.update(call_of(redis, team), 1, QueueUpdate(redact=RULES))
    await run_all(context)

    run = run_of(await jobs.get(redis, team, job))
    assert run.response_body == '{"you":"[redacted]"}'
    assert (run.request_headers or {})["X-Session"] == REDACTED


async def test_without_rules_two_more_fields_of_the_queue_are_all_that_is_read(
    redis: Redis, context: Context, team: Team, target: Target
) -> None:
    await done(context, team, target)
    before = await redis.info("commandstats")

    await made(redis, team, target)

    after = await redis.info("commandstats")
    asked = {name: row["calls"] - before.get(name, {"calls": 0})["calls"] for name, row in after.items()}
    assert (asked["cmdstat_fcall"], asked["cmdstat_hget"], asked["cmdstat_hmget"]) == (1, 1, 2)


async def test_what_is_sealed_is_sealed_anew_with_another_key(redis: Redis, team: Team) -> None:
    old, new = Vault("an-old-key-" + 32 * "o"), Vault("a-new-key-" + 32 * "n")
    await queue(redis, team)
    job = JobCreate(queue="mail", url="https://a.example/", headers=HEADERS, payload=PAYLOAD)
    await jobs.create(call_of(redis, team, vault=old), job)

    await resealing.reseal_all(redis, Vault("a-new-key-" + 32 * "n", "an-old-key-" + 32 * "o"))

    (work,) = await Claims(redis, team.shard, "w").claim(1)
    assert isinstance(work, WorkOfJob)
    sent = request_of(work, new)
    assert (json.loads(sent.body or b""), sent.headers["X-Session"]) == (PAYLOAD, SESSION)
