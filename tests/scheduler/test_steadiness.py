from services.scheduler.steadiness import PAUSE_SECONDS, Steadiness


def read(clock: Steadiness, server: float, at: float, took: float = 0.001) -> bool:
    return clock.is_steady(server, at, at + took)


def test_a_clock_that_goes_with_ours_is_steady() -> None:
    clock = Steadiness()

    assert all(read(clock, 1_000_000.0 + second, float(second)) for second in range(100))


def test_small_corrections_are_steady() -> None:
    clock = Steadiness()

    assert [read(clock, 1000.0, 0.0), read(clock, 1002.9, 1.0), read(clock, 1002.5, 2.0)] == [True] * 3


def test_a_jump_pauses_for_a_while_and_the_new_time_counts_then() -> None:
    clock = Steadiness()
    read(clock, 1000.0, 0.0)

    assert not read(clock, 8201.0, 1.0)
    assert not read(clock, 8200.0 + PAUSE_SECONDS, PAUSE_SECONDS)
    assert read(clock, 8201.0 + PAUSE_SECONDS, 1.0 + PAUSE_SECONDS)


def test_a_jump_back_starts_the_pause_again() -> None:
    clock = Steadiness()
    read(clock, 1000.0, 0.0)
    read(clock, 8210.0, 10.0)

    assert not read(clock, 1020.0, 20.0)
    assert not read(clock, 1045.0, 45.0)
    assert read(clock, 1051.0, 51.0)


def test_a_slow_answer_is_not_judged() -> None:
    clock = Steadiness()
    read(clock, 1000.0, 0.0)

    assert read(clock, 1006.0, 1.0, took=5.0)
    assert read(clock, 1007.0, 7.0)
