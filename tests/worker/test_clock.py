import pytest

from services.worker.clock import Clock
from shared.clock import elapsed

HOUR_MS = 3_600_000


def ahead_ms(clock: Clock) -> float:
    return clock.now_ms() - elapsed() * 1000


def test_it_goes_on_from_what_redis_said() -> None:
    clock = Clock()

    clock.note(HOUR_MS, sent=4.9, received=5.0)

    assert ahead_ms(clock) == pytest.approx(HOUR_MS - 5000, abs=5)


def test_an_answer_that_waited_for_minutes_puts_it_back_by_nothing() -> None:
    clock = Clock()
    clock.note(HOUR_MS, sent=4.9, received=5.0)

    clock.note(HOUR_MS + 1000, sent=5.5, received=305.0)

    assert ahead_ms(clock) == pytest.approx(HOUR_MS - 5000, abs=5)


@pytest.mark.parametrize("jump", [-HOUR_MS, -50, 50, HOUR_MS])
def test_it_follows_a_clock_that_was_set(jump: int) -> None:
    clock = Clock()
    clock.note(HOUR_MS, sent=5.0, received=5.0)

    clock.note(HOUR_MS + 1000 + jump, sent=6.0, received=6.0)

    assert ahead_ms(clock) == pytest.approx(HOUR_MS - 5000 + jump, abs=5)
