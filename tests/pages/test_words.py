"""What pages say of moments, numbers and limits."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from services.api.pages import words
from shared.actions.accounts import saying
from shared.schemas.accounts.tokens import TokenLimits

NOW = datetime(2026, 11, 27, 12, 4, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-3, "0 s ago"),
        (2, "2 s ago"),
        (59.9, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (7200, "2 h ago"),
        (86_400, "1 day ago"),
        (84 * 86_400, "84 days ago"),
    ],
)
def test_how_long_ago(seconds: float, said: str) -> None:
    assert words.ago(NOW - timedelta(seconds=seconds), NOW) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (1, "every second"),
        (60, "every minute"),
        (300, "every 5 minutes"),
        (5400, "every 90 minutes"),
        (86_400, "every day"),
    ],
)
def test_how_often(seconds: int, said: str) -> None:
    assert saying.every(seconds) == said


@pytest.mark.parametrize(
    ("number", "said"), [(0, "No tokens"), (1, "One token"), (5, "Five tokens"), (148, "148 tokens")]
)
def test_how_many(number: int, said: str) -> None:
    assert words.count(number, "token") == said


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (TokenLimits(), ""),
        (TokenLimits(may_delete=False), "No deleting"),
        (
            TokenLimits(hosts=("a.example", "b.example", "c.example")),
            "Only hosts a.example, b.example and c.example",
        ),
        (TokenLimits(calls_per_day=1, runs_per_hour=2000), "1 call a day, 2,000 runs an hour"),
    ],
)
def test_limits_in_words(limits: TokenLimits, said: str) -> None:
    assert saying.limits(limits) == said


@pytest.mark.parametrize(
    ("client", "said"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1",
            "Safari on iPhone",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/131.0 Safari/537.36 Edg/131.0", "Edge on Windows"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", "Unknown"),
    ],
)
def test_which_browser(client: str, said: str) -> None:
    assert words.browser(client) == said


def test_a_day_and_a_moment() -> None:
    late = datetime(2026, 11, 27, 23, 30, tzinfo=UTC)
    berlin = NOW.astimezone(ZoneInfo("Europe/Berlin"))

    assert words.date(NOW, NOW) == "27 Nov 2026"
    assert words.day(NOW, NOW) == "27 November 2026"
    assert words.moment(NOW, NOW) == "27 November 2026, 12:04 UTC"
    assert words.clock(NOW, berlin) == "13:04:31"
    assert words.day(late, berlin) == "28 November 2026"
    assert words.moment(late, berlin) == "28 November 2026, 00:30 Europe/Berlin"
    assert (words.city(berlin), words.city(NOW)) == ("Berlin", "UTC")


@pytest.mark.parametrize(
    ("seconds", "over", "soon", "said"),
    [
        (-1, True, False, ""),
        (0, True, False, ""),
        (7200, False, True, "in 2 h"),
        (6 * 86_400, False, True, "in 6 days"),
    ],
)
def test_an_end_is_over_or_soon(seconds: int, over: bool, soon: bool, said: str) -> None:
    end = NOW + timedelta(seconds=seconds)

    assert (words.is_over(end, NOW), words.is_soon(end, NOW)) == (over, soon)
    if said:
        assert words.ahead(end, NOW) == said


def test_what_ends_in_a_week_or_never_is_neither() -> None:
    for end in (NOW + timedelta(days=7), None):
        assert not words.is_over(end, NOW)
        assert not words.is_soon(end, NOW)
