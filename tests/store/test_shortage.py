"""Levels of a shortage of memory."""

import pytest

from shared.store.care.shortage import Shortage, share_used


@pytest.mark.parametrize(
    ("before", "share", "expected"),
    [
        (Shortage.ROOM, 0.0, Shortage.ROOM),
        (Shortage.ROOM, 0.79, Shortage.ROOM),
        (Shortage.ROOM, 0.8, Shortage.NO_BODIES),
        (Shortage.NO_BODIES, 0.76, Shortage.NO_BODIES),
        (Shortage.NO_BODIES, 0.74, Shortage.ROOM),
        (Shortage.NO_BODIES, 0.91, Shortage.NO_BODIES),
        (Shortage.NO_BODIES, 0.92, Shortage.NO_FIRES),
        (Shortage.NO_FIRES, 0.88, Shortage.NO_FIRES),
        (Shortage.NO_FIRES, 0.86, Shortage.NO_BODIES),
        (Shortage.NO_FIRES, 0.5, Shortage.ROOM),
        (Shortage.ROOM, 3.0, Shortage.NO_FIRES),
    ],
)
def test_a_level_is_left_only_with_some_more_room(before: Shortage, share: float, expected: Shortage) -> None:
    assert before.following(share) is expected


def test_without_a_limit_nothing_of_it_is_used() -> None:
    assert share_used({"used_memory": 10**9, "maxmemory": 0}) == 0.0


def test_what_redis_does_not_count_is_not_used() -> None:
    facts = {"used_memory": 90, "mem_not_counted_for_evict": 40, "maxmemory": 100}

    assert share_used(facts) == 0.5
