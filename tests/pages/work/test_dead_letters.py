"""Dead letters on pages: by problem with a plan, one by one, replayed and purged."""

import pytest
from redis.asyncio import Redis

from services.api.pages.work import plans
from services.scheduler.replay import step
from services.worker.work import Complete, Dead
from shared.actions import dead_letters
from shared.schemas.dead_letters import Replay, ReplayState
from tests.pages.browser import Browser, Page
from tests.pages.work import filling
from tests.pages.work.filling import SHARD, SHOP
from tests.poll import until

DEAD = "/t/1/dead-letters"
ONE = f"{DEAD}/1"


async def replay(redis: Redis, replay_id: int = 1) -> Replay:
    return await dead_letters.get_replay(redis, SHOP, replay_id)


async def hand_out(redis: Redis) -> None:
    await step(redis, SHARD)


async def hand_out_until(redis: Redis, *, replayed: int, completed: int) -> None:
    """As its rate allows it."""

    async def look() -> bool:
        await hand_out(redis)
        found = await replay(redis)
        is_over = found.state == ReplayState.FINISHED or not completed
        return is_over and (found.replayed, found.completed) == (replayed, completed)

    await until(look)


async def begin(browser: Browser, **typed: str | None) -> Page:
    return await browser.send(await browser.open(ONE), f"{ONE}/replay", **typed)


async def test_without_any_it_says_what_would_be_here(owner: Browser) -> None:
    by_problem, one_by_one = await owner.open(DEAD), await owner.open(f"{DEAD}?view=one")

    assert "No dead letters" in by_problem.text
    assert "Nothing died" in one_by_one.text


async def test_they_are_counted_by_problem_largest_first(owner: Browser, redis: Redis) -> None:
    await filling.dead(redis, url="https://a.example/import")
    await filling.dead(redis, 3)

    page = await owner.open(DEAD)

    assert "4 dead letters, two problems" in page.text
    assert page.text.index("hooks.example.com") < page.text.index("a.example")
    assert "server error 503" in page.text
    assert {ONE, f"{DEAD}/2"} <= set(page.links)


async def test_an_open_problem_says_what_a_replay_would_do(owner: Browser, redis: Redis) -> None:
    await filling.dead(redis, 12)

    page = await owner.open(ONE)
    other = await owner.open_with(ONE, how_many="newest", rate="2", stop_after="")

    assert "One job is sent now. If its first attempt succeeds, the others follow, 10 a second." in page.text
    assert "If 3 jobs fail again, it stops." in page.text
    assert "Replay 12 jobs" in page.text
    assert "10 of 12" in page.text
    assert "5 jobs go out, 2 a second." in other.text
    assert "it stops" not in other.text
    assert "Replay 5 jobs" in other.text
    assert (await dead_letters.replays(redis, SHOP, filling.FIRST)).total == 0


async def test_a_replay_is_begun_once_and_followed_to_its_end(owner: Browser, redis: Redis) -> None:
    await filling.dead(redis, 3)
    form = await owner.open(ONE)

    begun = await owner.send(form, f"{ONE}/replay", first=None)
    again = await owner.send(form, f"{ONE}/replay", first=None)
    waiting = await owner.open("/t/1/replays/1")
    await hand_out_until(redis, replayed=3, completed=0)
    await filling.ended(redis, [Complete()], "ok")
    await hand_out_until(redis, replayed=3, completed=3)
    ended = await owner.open("/t/1/replays/1")
    listed, left = await owner.open("/t/1/replays"), await owner.open(DEAD)

    assert (begun.path, again.path) == ("/t/1/replays/1", "/t/1/replays/1")
    assert "/t/1/replays/1/stop" in waiting.links
    assert "/t/1/replays/1/stop" not in ended.links
    assert "All handed out" in ended.text
    assert "Completed 3" in ended.text
    assert (await replay(redis)).completed == 3
    assert "1 replay" in listed.text
    assert "No dead letters" in left.text


async def test_its_choices_are_those_of_the_form(member: Browser, redis: Redis) -> None:
    await filling.dead(redis, 7)

    page = await begin(
        member, how_many="newest", rate="20", stop_after="2", first="on", headers="X-A: b\r\nX-B:"
    )
    found = await replay(redis)

    assert page.path == "/t/1/replays/1", page.text
    assert (found.total, found.rate, found.stop_after_failures) == (5, 20, 2)
    assert found.state == ReplayState.TRYING
    assert found.changes == ("headers",)


async def test_of_another_number_than_was_shown_nothing_is_sent(owner: Browser, redis: Redis) -> None:
    await filling.dead(redis, 2)
    form = await owner.open(ONE)
    await filling.dead(redis)

    page = await owner.send(form, f"{ONE}/replay")

    assert page.status == 409
    assert "The expected_count field is 2, but 3 dead letters are chosen now." in page.text
    assert page.form(f"{ONE}/replay").fields["expected"] == "3"
    assert await filling.count(redis) == 3


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"rate": "0"}, "rate"),
        ({"rate": "many"}, "rate"),
        ({"stop_after": "-1"}, "stop_after"),
        ({"origin": "https://a.example/path"}, "origin"),
        ({"origin": "http://169.254.169.254"}, "origin"),
        ({"headers": "nonsense"}, "headers"),
    ],
)
async def test_a_plan_that_is_wrong_is_said_at_its_field(
    owner: Browser, redis: Redis, typed: dict[str, str], field: str
) -> None:
    await filling.dead(redis, 2)

    looked, sent = await owner.open_with(ONE, **typed), await begin(owner, **typed)

    for page in (looked, sent):
        assert page.status == 422
        assert f'id="{field}-wrong"' in page.response.text
        assert "It cannot be counted" in page.text
    assert await filling.count(redis) == 2


async def test_a_replay_that_stops_says_why(owner: Browser, redis: Redis) -> None:
    await filling.dead(redis, 3)
    await begin(owner)
    await hand_out(redis)
    await filling.ended(redis, [Dead()])
    await hand_out(redis)

    page = await owner.open("/t/1/replays/1")

    assert "The one that was sent first failed, so no other was sent." in page.text
    assert "Stopped" in page.text


async def test_a_replay_is_stopped_by_hand(owner: Browser, redis: Redis) -> None:
    await filling.dead(redis, 3)
    await begin(owner, first=None)
    listed = await owner.open(DEAD)

    page = await owner.send(await owner.open("/t/1/replays/1/stop"))

    assert "/t/1/replays/1/stop" in listed.links
    assert "Somebody stopped it." in page.text
    assert (await replay(redis)).state == ReplayState.CANCELLED


async def test_they_are_purged_once_their_number_was_typed(owner: Browser, redis: Redis) -> None:
    await filling.dead(redis, 2)

    wrong = await owner.send(await owner.open(f"{ONE}/purge"), number="3")
    kept = await filling.count(redis)
    page = await owner.send(await owner.open(f"{ONE}/purge"), number="2")

    assert wrong.status == 422
    assert "Type 2: so many are there now." in wrong.text
    assert kept == 2
    assert page.path == DEAD
    assert await filling.count(redis) == 0


async def test_one_by_one_they_are_searched(owner: Browser, redis: Redis) -> None:
    await filling.dead(redis, 30)
    await filling.dead(redis, queue="mail", url="https://a.example/import")

    everything = await owner.open(f"{DEAD}?view=one")
    found = await owner.open(f"{DEAD}?view=one&q=host:a.example")
    problem = await owner.open(f"{DEAD}?view=one&problem=2")
    none = await owner.open(f"{DEAD}?view=one&q=nowhere")
    wrong = await owner.open(f"{DEAD}?view=one&q=hots:a")

    assert "1 to 25 of 31" in everything.text
    assert found.text.count("server error 503") == problem.text.count("server error 503") == 1
    assert "No dead letter fits" in none.text
    assert wrong.status == 422
    assert "did you mean host" in wrong.text


async def test_by_queue_and_by_words(owner: Browser, redis: Redis) -> None:
    await filling.dead(redis, 2)
    await filling.dead(redis, queue="mail", url="https://a.example/import")

    of_queue = await owner.open(f"{DEAD}?queue=2")
    of_words, none = await owner.open(f"{DEAD}?q=hooks"), await owner.open(f"{DEAD}?q=nowhere")

    assert "a.example" in of_queue.text
    assert "hooks.example.com" not in of_queue.text
    assert "hooks.example.com" in of_words.text
    assert "No problem fits" in none.text


@pytest.mark.parametrize("path", ["dead-letters/9", "dead-letters/x", "dead-letters/9/purge", "replays/9"])
async def test_what_is_not_there_is_not_found(owner: Browser, path: str) -> None:
    assert (await owner.open(f"/t/1/{path}")).status == 404


async def test_of_a_problem_that_is_not_there_no_replay_begins(owner: Browser) -> None:
    sent = await owner.post(f"{DEAD}/9/replay", **plans.USUAL)

    assert sent.status == 404
    assert (await owner.open("/t/1/replays/1")).status == 404
