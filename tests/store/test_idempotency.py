"""What is done under an idempotency key is done once, and answered as it was."""

from datetime import UTC, datetime

import pytest
from redis.asyncio import Redis

from shared.actions import crons, dead_letters, jobs, notifications, queues, signatures
from shared.errors import Conflict, Invalid, NotFound
from shared.schemas.crons import CronCreate, CronUpdate
from shared.schemas.dead_letters import DeadLetterSelection, ReplayCreate
from shared.schemas.jobs import JobCreate, JobQuery
from shared.schemas.notifications import Notifications
from shared.schemas.queues import QueueCreate, QueueUpdate
from shared.security.vault import MASK, Vault
from shared.store import transitions
from shared.store.idempotency import IdempotencyKey
from shared.store.keyspace import Team
from shared.store.writes import Write
from tests import dead
from tests.calls import call_of
from tests.conftest import VAULT

CRON = CronCreate(name="ping", url="https://a.example/", cron_expression="* * * * *")
OLD, NEW = "the-key-of-before-0123456789-abcdefgh", "the-key-of-after-0123456789-abcdefghi"
JOB = JobCreate(queue="mail", url="https://a.example/")


def a_key(team: Team, asked: str = "this", text: str = "order-7") -> IdempotencyKey:
    return IdempotencyKey.of(team, text, VAULT.digests(asked))


async def test_the_answer_is_that_of_then_whatever_became_of_the_record(redis: Redis, team: Team) -> None:
    first = await crons.create(call_of(redis, team, a_key(team)), CRON)
    await crons.update(call_of(redis, team), first.id, CronUpdate(name="pong"))
    changed = await crons.create(call_of(redis, team, a_key(team)), CRON)
    await crons.delete(call_of(redis, team), first.id)

    again = a_key(team)
    gone = await crons.create(call_of(redis, team, again), CRON)

    assert first == changed == gone
    assert again.was_used
    with pytest.raises(NotFound):
        await crons.get(redis, team, first.id)


async def test_a_change_that_would_be_refused_by_now_is_answered_as_it_was(redis: Redis, team: Team) -> None:
    cron = await crons.create(call_of(redis, team), CRON)
    ends = CronUpdate(ends_at=datetime(2026, 12, 1, tzinfo=UTC))
    first = await crons.update(call_of(redis, team, a_key(team)), cron.id, ends)
    await crons.delete(call_of(redis, team), cron.id)

    assert await crons.update(call_of(redis, team, a_key(team)), cron.id, ends) == first
    with pytest.raises(Conflict, match="idempotency key"):
        await crons.update(call_of(redis, team, a_key(team, "something else")), cron.id, ends)


async def test_a_key_under_which_no_job_was_made_can_be_used_for_another(redis: Redis, team: Team) -> None:
    late = JOB.model_copy(update={"expires_at": datetime(2020, 1, 1, tzinfo=UTC)})
    with pytest.raises(Invalid, match="expire"):
        await jobs.create(call_of(redis, team, a_key(team)), late)

    made = await jobs.create(call_of(redis, team, a_key(team, "something else")), JOB)

    assert made.id == 1


async def test_the_warnings_of_a_change_are_told_again(redis: Redis, team: Team) -> None:
    secret = CRON.model_copy(update={"headers": {"Cookie": "canary-of-a-cookie"}})
    cron = await crons.create(call_of(redis, team), secret)
    move = CronUpdate(url="https://b.example/")

    first = await crons.update(call_of(redis, team, a_key(team)), cron.id, move)
    again = await crons.update(call_of(redis, team, a_key(team)), cron.id, move)

    assert first.warnings
    assert again == first


async def test_a_cancelled_job_is_shown_as_it_was_though_deleted_since(redis: Redis, team: Team) -> None:
    made = await jobs.create(call_of(redis, team), JOB)
    first = await jobs.cancel(call_of(redis, team, a_key(team)), made.id)
    await jobs.delete(call_of(redis, team), made.id)

    assert await jobs.cancel(call_of(redis, team, a_key(team)), made.id) == first


async def test_what_was_refused_is_not_remembered(redis: Redis, team: Team) -> None:
    with pytest.raises(NotFound):
        await jobs.cancel(call_of(redis, team, a_key(team)), 1)
    await queues.create(call_of(redis, team), QueueCreate(name="one"))
    with pytest.raises(Invalid, match="unique"):
        await queues.create(call_of(redis, team, a_key(team)), QueueCreate(name="one"))

    made = await queues.create(call_of(redis, team, a_key(team)), QueueCreate(name="two"))

    assert made.name == "two"


async def test_a_change_that_others_were_faster_than_is_tried_anew_under_its_key(
    redis: Redis, team: Team
) -> None:
    queue = await queues.create(call_of(redis, team), QueueCreate(name="one"))
    await queues.update(call_of(redis, team, a_key(team, text="a")), queue.id, QueueUpdate(weight=3))

    changed = await queues.update(
        call_of(redis, team, a_key(team, text="b")), queue.id, QueueUpdate(weight=4)
    )
    again = await queues.update(call_of(redis, team, a_key(team, text="a")), queue.id, QueueUpdate(weight=3))

    assert (changed.weight, again.weight) == (4, 3)
    assert (await queues.get(redis, team, queue.id)).weight == 4


async def test_a_secret_that_was_made_is_shown_again_and_kept_sealed(redis: Redis, team: Team) -> None:
    first = await signatures.rotate(call_of(redis, team, a_key(team)), 24)
    await signatures.rotate(call_of(redis, team), 24)

    again = await signatures.rotate(call_of(redis, team, a_key(team)), 24)

    assert again == first
    held = str([await redis.dump(key) for key in await redis.keys("*")])
    assert first.secret not in held
    assert first.secret.removeprefix("whsec_") not in held


async def test_channels_that_were_set_are_answered_as_they_were(redis: Redis, team: Team) -> None:
    hook = Notifications.model_validate({"slack": {"url": "https://hooks.slack.example/secret"}})
    masked = Notifications.model_validate({"slack": {"url": f"https://hooks.slack.example/{MASK}"}})
    await notifications.put(call_of(redis, team), hook)
    first = await notifications.put(call_of(redis, team, a_key(team)), masked)
    await notifications.put(call_of(redis, team), Notifications())

    assert await notifications.put(call_of(redis, team, a_key(team)), masked) == first == masked
    assert (await notifications.get(redis, VAULT, team)).slack is None


async def test_a_purge_of_all_does_not_take_along_what_died_since(redis: Redis, team: Team) -> None:
    await dead.dead_letters(redis, team, 3)
    first = await dead_letters.purge(call_of(redis, team, a_key(team)), DeadLetterSelection(all=True))
    await dead.dead_letters(redis, team, 2)

    again = await dead_letters.purge(call_of(redis, team, a_key(team)), DeadLetterSelection(all=True))

    assert (again, again.purged) == (first, 3)
    assert await redis.zcard(f"{team.prefix}x:{team.id}:dead_lettered") == 2


async def test_a_replay_in_the_background_is_begun_once_and_has_every_letter_once(
    redis: Redis, team: Team
) -> None:
    ids = await dead.dead_letters(redis, team, 450)
    first = await dead_letters.replay(call_of(redis, team, a_key(team)), ReplayCreate(all=True))
    await dead.dead_letters(redis, team, 2)

    again = await dead_letters.replay(call_of(redis, team, a_key(team)), ReplayCreate(all=True))

    assert (again, again.total) == (first, 450)
    queued = await redis.lrange(f"{team.prefix}replay_ids:{team.id}:1", 0, -1)  # type: ignore[misc]
    assert [int(one) for one in queued] == ids


async def test_a_replay_that_was_broken_off_is_collected_on_and_by_two_at_once_not_twice(
    redis: Redis, team: Team
) -> None:
    ids = await dead.dead_letters(redis, team, 450)
    begun = await transitions.start_replay(
        redis, team, rate=50, stop_after=None, most_kept=100, write=Write(a_key(team))
    )
    for _ in range(2):
        collected = await transitions.collect_replay(
            redis, team, ids[:200], replay=begun, after=0, up_to=ids[199], is_last=False
        )
        assert collected == ids[199]

    replay = await dead_letters.replay(call_of(redis, team, a_key(team)), ReplayCreate(all=True))

    assert (replay.id, replay.total) == (begun, 450)
    queued = await redis.lrange(f"{team.prefix}replay_ids:{team.id}:1", 0, -1)  # type: ignore[misc]
    assert [int(one) for one in queued] == ids


async def test_a_key_does_one_thing(redis: Redis, team: Team) -> None:
    await jobs.create(call_of(redis, team, a_key(team, "one")), JOB)

    with pytest.raises(Conflict, match="take a new one"):
        await jobs.create(call_of(redis, team, a_key(team, "another")), JOB)

    assert (await jobs.page(redis, team, JobQuery())).total == 1


async def test_keys_of_two_teams_have_nothing_to_do_with_each_other(redis: Redis) -> None:
    made = [await jobs.create(call_of(redis, Team(n), a_key(Team(n), f"{n}")), JOB) for n in (1, 2)]

    assert [one.id for one in made] == [1, 1]


async def test_a_repeat_is_known_while_encryption_keys_are_rotated(redis: Redis, team: Team) -> None:
    before, between, after = Vault(OLD), Vault(NEW, OLD), Vault(NEW)

    async def made_by(vault: Vault, text: str) -> int:
        return (
            await jobs.create(call_of(redis, team, IdempotencyKey.of(team, text, vault.digests("this"))), JOB)
        ).id

    begun = [await made_by(vault, "begun") for vault in (before, between)]
    on_the_way = [await made_by(vault, "on the way") for vault in (between, before, after)]
    behind = [await made_by(vault, "behind") for vault in (after, between)]

    assert begun == [1, 1]
    assert on_the_way == [2, 2, 2], "a process from before or from after does not know it"
    assert behind == [3, 3], "a process that still has the old key does not know what was done without it"


async def test_a_key_that_no_encryption_key_knows_is_taken_for_another_request(
    redis: Redis, team: Team
) -> None:
    await jobs.create(
        call_of(redis, team, IdempotencyKey.of(team, "k", Vault(NEW, OLD).digests("this"))), JOB
    )

    with pytest.raises(Conflict):
        await jobs.create(
            call_of(redis, team, IdempotencyKey.of(team, "k", Vault(NEW, OLD).digests("that"))), JOB
        )


def test_a_digest_tells_what_was_asked_apart_and_nobody_what_it_was() -> None:
    other = type(VAULT)("another-key-of-more-than-thirty-two-letters")

    assert VAULT.digests("a", "bc") != VAULT.digests("ab", "c")
    assert VAULT.digests("a") == VAULT.digests("a") != other.digests("a")
