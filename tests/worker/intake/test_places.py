"""How many pieces of work a worker may have in hand, and which it still takes when it is nearly full."""

import itertools
from collections.abc import Callable

import pytest

from services.worker.intake.places import Places, Spare
from services.worker.work import Job, Notice, Work

MOST = 32
RESERVED = 2
"""Of so many."""
numbers = itertools.count(1)


def a_job(team: int = 1) -> Job:
    return Job("s0", team, "1", next(numbers), "s:", "1-0", 1, 0, "{}")


def a_notice(team: int = 1) -> Notice:
    return Notice("s0", team, "outbox", next(numbers), "s:", "1-0", 1, 0, "job.completed")


def full(most: int = MOST) -> Places:
    """For any work; each of it is of a team of its own."""
    places = Places(most)
    places.take([a_job(team) for team in range(places.free())])
    return places


def test_all_but_a_few_are_for_any_work() -> None:
    places = Places(MOST)

    assert places.free() == MOST - RESERVED
    assert places.spare() == Spare(RESERVED, RESERVED // 2, ())


def test_what_is_taken_is_in_hand_until_it_leaves() -> None:
    places, first, second = Places(MOST), a_job(), a_job()

    places.take([first, second])
    places.leave(first)

    assert places.in_hand() == [second]
    assert places.free() == MOST - RESERVED - 1


@pytest.mark.parametrize("make", [a_job, a_notice])
def test_what_leaves_twice_frees_one_place(make: Callable[[], Work]) -> None:
    places, work = Places(MOST), make()
    places.take([work, a_job()])

    places.leave(work)
    places.leave(work)

    assert places.free() == MOST - RESERVED - 1


def test_in_hand_is_a_copy() -> None:
    places = Places(MOST)

    places.in_hand().append(a_job())

    assert places.in_hand() == []


@pytest.mark.parametrize(("most", "beside"), [(MOST, MOST // 4), (4, 4), (400, 100)])
def test_up_to_a_quarter_as_many_notices_take_no_place(most: int, beside: int) -> None:
    places = Places(most)
    before = places.free()

    places.take([a_notice() for _ in range(beside)])
    assert places.free() == before
    places.take([a_notice()])
    assert places.free() == before - 1


def test_notices_that_leave_make_room_for_others_beside() -> None:
    places = Places(MOST)
    notices = [a_notice() for _ in range(MOST // 4)]
    places.take(notices)

    places.leave(notices[0])
    places.take([a_notice()])

    assert places.free() == MOST - RESERVED


def test_a_full_worker_has_those_left_that_it_keeps_for_quiet_queues() -> None:
    places = full()

    assert (places.free(), places.spare()) == (0, Spare(RESERVED, RESERVED // 2, ()))
    places.take([a_job(99)])
    assert (places.free(), places.spare().places) == (-1, RESERVED - 1)
    places.take([a_job(99)])
    assert (places.free(), places.spare().places) == (-2, 0)


@pytest.mark.parametrize("most", [1, 4, 15])
def test_a_small_worker_keeps_none(most: int) -> None:
    assert (Places(most).free(), Places(most).spare().places) == (most, 0)


@pytest.mark.parametrize(("most", "many"), [(MOST, 4), (64, 8), (8, 4)])
def test_a_team_with_an_eighth_of_the_places_is_of_the_crowd(most: int, many: int) -> None:
    places = Places(most)

    places.take([a_job(7) for _ in range(many - 1)] + [a_job(8)])
    assert places.spare().crowd == ()
    places.take([a_job(7)])
    assert places.spare().crowd == (7,)
