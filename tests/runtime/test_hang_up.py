"""Whoever is long about answering learns that its caller hung up."""

from shared.runtime.serving.hang_up import HangUp


def test_who_watches_is_told_once_the_caller_hangs_up() -> None:
    told: list[str] = []
    hang_up = HangUp()
    hang_up.watch(lambda: told.append("gone"))

    hang_up.come()

    assert told == ["gone"]
    assert hang_up.has_come


def test_who_watches_too_late_is_told_at_once() -> None:
    told: list[str] = []
    hang_up = HangUp()
    hang_up.come()

    hang_up.watch(lambda: told.append("gone"))

    assert told == ["gone"]


def test_who_watches_no_more_is_not_told() -> None:
    told: list[str] = []
    hang_up = HangUp()
    hang_up.watch(lambda: told.append("gone"))

    hang_up.unwatch()
    hang_up.come()

    assert not told
