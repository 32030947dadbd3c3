"""Counts of durations in buckets, and the percentiles that can be estimated from them."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

BOUNDS_MS = (10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000)
"""Upper bounds of the buckets from 1 on, as in `figures.lua`; whatever is longer is in one more."""


def percentiles(buckets: Sequence[int], shares: Sequence[float]) -> list[float | None]:
    """Below which so much (each 0 to 1) of all lies, in ms, as if each bucket (from 1 on) was filled evenly.

    None without any; of what is beyond the last bound that bound is answered, for nothing more is known.
    """
    passed = [0, *accumulate(buckets)]
    return [_percentile(passed, share * passed[-1]) if passed[-1] > 0 else None for share in shares]


def _percentile(passed: Sequence[int], wanted: float) -> float:
    """Where the count reaches `wanted`, by how many lie below each bucket."""
    number = bisect_left(passed, wanted, 1)
    if number > len(BOUNDS_MS):
        return float(BOUNDS_MS[-1])
    lower = BOUNDS_MS[number - 2] if number > 1 else 0
    bound, before = BOUNDS_MS[number - 1], passed[number - 1]
    return round(lower + (bound - lower) * (wanted - before) / (passed[number] - before), 1)
