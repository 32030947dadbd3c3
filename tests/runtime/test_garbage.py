"""The garbage collector looks early at what is new, where that is much."""

import gc
from collections.abc import Iterator

import pytest

from shared.runtime import garbage

Looks = list[int]


@pytest.fixture
def looks() -> Iterator[Looks]:
    """The generations that are looked at, of those that are asked for."""
    noted: Looks = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            noted.append(info["generation"])

    gc.disable()
    gc.callbacks.append(note)
    yield noted
    gc.callbacks.remove(note)
    gc.enable()


def test_much_that_is_new_is_looked_at(looks: Looks) -> None:
    kept: list[list[int]] = [[] for _ in range(garbage.EARLY_OBJECTS + 1000)]

    garbage.collect_early()

    assert looks == [0]
    assert kept


def test_little_is_left_until_it_must_be(looks: Looks) -> None:
    gc.collect(0)
    looks.clear()

    garbage.collect_early()

    assert not looks
