"""How a scheduler judges the clocks it sees: that of Redis, its own wall clock, and its monotonic clock."""

from dataclasses import dataclass, field, replace

import pytest

from services.scheduler.steadiness import (
    PAUSE_SECONDS,
    Doubtful,
    Judgement,
    Reading,
    Steadiness,
    Steady,
    Wrong,
)

EPOCH = 1_795_608_000.0
JUMPS = [7200.0, 90_000.0, 40 * 86_400.0, -3600.0, 5.0]


@dataclass
class Host:
    """A scheduler's host and Redis's; `at` is the true time since they began."""

    steadiness: Steadiness = field(default_factory=Steadiness)
    redis_ahead: float = 0.0
    wall_ahead: float = 0.0
    correction: float = 0.0

    def look(self, at: float, **more: object) -> Judgement:
        reading = Reading(
            redis=EPOCH + at + self.redis_ahead,
            correction=self.correction,
            own=at,
            wall=EPOCH + at + self.wall_ahead,
            took=0.001,
        )
        return self.steadiness.judge(replace(reading, **more))  # type: ignore[arg-type]

    def follow(self, since: float, until: float) -> list[Judgement]:
        return [self.look(float(at)) for at in range(int(since), int(until))]


def is_steady(judged: Judgement) -> bool:
    return isinstance(judged, Steady)


def test_a_clock_that_goes_with_ours_is_steady() -> None:
    assert all(map(is_steady, Host().follow(0, 100)))


def test_small_corrections_are_steady() -> None:
    host = Host()

    judged = [host.look(0.0)]
    host.redis_ahead = 1.9
    judged.append(host.look(1.0))
    host.redis_ahead = 0.5
    judged.append(host.look(2.0))

    assert all(map(is_steady, judged))


@pytest.mark.parametrize("jump", JUMPS)
def test_a_jump_of_redis_alone_is_taken_out_at_once_and_time_goes_on(jump: float) -> None:
    host = Host()
    host.look(0.0)

    host.redis_ahead = jump
    judged = host.look(1.0)
    host.correction = -jump

    assert isinstance(judged, Wrong)
    assert judged.correction == pytest.approx(-jump, abs=0.01)
    after = host.look(2.0)
    assert isinstance(after, Steady)
    assert (round(after.now - EPOCH, 3), after.has_jumped) == (2.0, True)
    assert not any(isinstance(one, Doubtful) for one in host.follow(3, 90))


@pytest.mark.parametrize("jump", JUMPS)
def test_a_clock_of_redis_that_is_right_again_needs_no_correction(jump: float) -> None:
    host = Host(redis_ahead=jump, correction=-jump)
    host.follow(0, 75)

    host.redis_ahead = 0.02

    assert host.look(75.0) == Wrong(0.0)


def test_an_installation_that_was_always_off_our_clock_is_corrected_all_the_same() -> None:
    host = Host(wall_ahead=-10.0)
    host.look(0.0)

    host.redis_ahead = 7200.0

    judged = host.look(1.0)
    assert isinstance(judged, Wrong)
    assert judged.correction == pytest.approx(-7200, abs=0.01)


def test_a_clock_that_was_set_with_ours_counts_after_a_while_in_which_nobody_vouches() -> None:
    host = Host()
    host.look(0.0)

    host.redis_ahead = host.wall_ahead = 7200.0

    assert not any(map(is_steady, host.follow(1, 1 + int(PAUSE_SECONDS))))
    assert host.look(1 + PAUSE_SECONDS) == Steady(EPOCH + 7201 + PAUSE_SECONDS, has_jumped=True)
    assert host.look(2 + PAUSE_SECONDS) == Steady(EPOCH + 7202 + PAUSE_SECONDS)


def test_another_jump_starts_the_pause_again() -> None:
    host = Host()
    host.look(0.0)
    host.redis_ahead = host.wall_ahead = 7200.0
    host.look(10.0)

    host.redis_ahead = host.wall_ahead = 0.0

    assert host.look(20.0) == host.look(45.0) == Doubtful()
    assert is_steady(host.look(51.0))


def test_a_clock_that_agrees_with_neither_is_not_corrected() -> None:
    host = Host(wall_ahead=-3600.0)
    host.look(0.0, is_vouched=True)

    host.redis_ahead = 7200.0

    assert host.look(1.0) == Doubtful()


def test_what_another_scheduler_corrected_is_taken_over_without_a_pause() -> None:
    host = Host()
    host.look(0.0)
    host.redis_ahead = host.wall_ahead = 7200.0  # ours is the machine of Redis
    assert host.look(1.0) == Doubtful()

    host.correction = -7200.0

    assert is_steady(host.look(2.0))
    assert all(map(is_steady, host.follow(3, 120)))  # and we, whose own clock jumped, do not contest it


def test_a_slow_answer_is_neither_a_jump_nor_a_correction() -> None:
    host = Host()
    host.look(0.0)

    assert is_steady(host.look(1.0, redis=EPOCH + 6.0, took=5.0))
    assert host.look(7.0, redis=EPOCH + 7207.0, took=5.0) == Doubtful()
    assert is_steady(host.look(13.0))


def test_a_correction_that_is_wrong_by_now_is_lifted_after_a_while() -> None:
    host = Host(correction=-7200.0)

    judged = [host.look(float(at), is_vouched=True) for at in range(int(PAUSE_SECONDS) + 2)]

    assert all(map(is_steady, judged[:-1]))
    assert judged[-1] == Wrong(0.0)


def test_a_correction_that_another_scheduler_finds_right_stays() -> None:
    host = Host(correction=-7200.0)

    judged = [host.look(float(at), is_vouched=True, others=(0.1,)) for at in range(120)]

    assert all(map(is_steady, judged))


@pytest.mark.parametrize(
    ("redis_ahead", "wall_ahead", "correction", "is_vouched", "expected"),
    [
        (0.0, 0.0, 0.0, False, Steady(EPOCH)),
        (7200.0, 0.0, -7200.0, False, Steady(EPOCH)),
        (0.0, 0.0, -7200.0, False, Wrong(0.0)),
        (7200.0, 0.0, 0.0, False, Doubtful()),
        (7200.0, 0.0, 0.0, True, Steady(EPOCH + 7200)),
        (30.0, 0.0, 0.0, False, Steady(EPOCH + 30)),
    ],
)
def test_a_scheduler_that_starts_keeps_what_agrees_or_is_vouched_for(
    redis_ahead: float, wall_ahead: float, correction: float, is_vouched: bool, expected: Judgement
) -> None:
    host = Host(redis_ahead=redis_ahead, wall_ahead=wall_ahead, correction=correction)

    assert host.look(0.0, is_vouched=is_vouched) == expected


SUSPENDED = 600.0


def suspended(host: Host, at: float, **more: object) -> Judgement:
    """A look of a machine whose every clock stood still for ten minutes."""
    return host.look(at - SUSPENDED, redis=EPOCH + at + host.redis_ahead, **more)


def test_a_machine_that_was_suspended_believes_those_who_were_not() -> None:
    host = Host()
    host.look(0.0)

    judged = suspended(host, 601.0, is_vouched=True, others=(0.2,))

    assert judged == Steady(EPOCH + 601.0, has_jumped=True)
    assert suspended(host, 602.0, is_vouched=True, others=(0.2,)) == Steady(EPOCH + 602.0)


@pytest.mark.parametrize("others", [(), (7200.0,), (-7200.0,)])
def test_a_jump_that_nobodys_clock_agrees_with_is_taken_out_though_it_is_vouched_for(
    others: tuple[float, ...],
) -> None:
    host = Host()
    host.look(0.0)
    host.redis_ahead = 7200.0

    assert isinstance(host.look(1.0, is_vouched=True, others=others), Wrong)


def test_a_jump_of_seconds_is_taken_out_though_those_who_vouched_before_it_agreed() -> None:
    host = Host()
    host.look(0.0)
    host.redis_ahead = 4.0

    assert isinstance(host.look(1.0, is_vouched=True, others=(0.0,)), Wrong)


def test_a_correction_of_a_machine_that_was_suspended_is_lifted_when_its_wall_clock_is_set() -> None:
    host = Host()
    host.look(0.0)
    judged = suspended(host, 601.0)
    host.correction = -SUSPENDED
    suspended(host, 602.0)

    host.wall_ahead = SUSPENDED  # by NTP
    after = [suspended(host, 603.0 + at, is_vouched=True) for at in range(int(PAUSE_SECONDS) + 1)]

    assert isinstance(judged, Wrong)
    assert all(map(is_steady, after[:-1]))
    assert after[-1] == Wrong(0.0)
