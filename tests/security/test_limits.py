"""What a limited token may do, as values."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from shared.errors import Forbidden, Invalid
from shared.schedule.policy import Plan
from shared.schemas.accounts.tokens import TokenCreate, TokenLimits, host_of
from shared.security import limits
from shared.security.limits import Limits

NOW = datetime(2026, 11, 28, 2, 0, tzinfo=UTC)
HOSTS = ["api.example.com", "*.example.org", "10.0.0.7", "[2001:db8::1]:8443", "b.example:8080"]


def limited(**given: Any) -> Limits:
    found = limits.of(TokenLimits.model_validate(given))
    assert found
    return found


def wanted(**given: Any) -> TokenCreate:
    return TokenCreate.model_validate({"name": "new", "scopes": ["read"], **given})


@pytest.mark.parametrize(
    ("url", "may"),
    [
        ("https://api.example.com/path", True),
        ("http://API.Example.com:8080", True),
        ("https://api.example.com./", True),
        ("https://example.com/", False),
        ("https://api.example.com.evil.example/", False),
        ("https://evilapi.example.com/", False),
        ("https://a.example.org/", True),
        ("https://a.b.example.org/", True),
        ("https://example.org/", False),
        ("https://aexample.org/", False),
        ("http://10.0.0.7/", True),
        ("http://10.0.0.8/", False),
        ("https://[2001:db8:0::1]:8443/", True),
        ("https://[2001:db8::1]/", False),
        ("http://b.example:8080/", True),
        ("http://b.example/", False),
        ("https://api.example.com@evil.example/", False),
        ("https://evil.example/?api.example.com", False),
        ("no url", False),
    ],
)
def test_only_hosts_of_the_patterns_are_reached(url: str, may: bool) -> None:
    assert limited(hosts=HOSTS).reaches(url) == may


def test_a_refusal_names_the_host_and_the_limit() -> None:
    with pytest.raises(Forbidden) as refused:
        limited(hosts=["api.example.com", "*.example.org"]).check_url("https://evil.example/secret", "url")

    assert str(refused.value) == (
        "The token may not reach evil.example:443: its hosts limit allows api.example.com, *.example.org."
    )
    assert (refused.value.reason, refused.value.field) == ("hosts", "url")
    assert "admin" in refused.value.hint


def test_mail_goes_to_domains_of_the_hosts() -> None:
    ours = limited(hosts=["*.example.org", "example.com:443"])

    ours.check_mail("a@mail.example.org")
    ours.check_mail("a@Example.com")
    with pytest.raises(Forbidden, match=r"example\.net"):
        ours.check_mail("a@example.net")


@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("mail", True),
        ("mails", False),
        ("report-", True),
        ("report-7.x", True),
        ("a.b", True),
        ("axb", False),
    ],
)
def test_a_star_is_any_text_and_nothing_else_is_special(name: str, may: bool) -> None:
    assert limited(queues=["mail", "report-*", "a.b"]).has_queue(name) == may


@pytest.mark.parametrize(
    ("pattern", "name", "may"),
    [
        ("*", "", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("*b*c", "abxc", True),
        ("*b*c*", "acb", False),
        ("a*bb*b", "abb", False),
        ("a*bb*b", "abbb", True),
        ("*".join("a" * 120), "a" * 254 + "b", False),
    ],
)
def test_stars_are_matched_without_trying_all_ways(pattern: str, name: str, may: bool) -> None:
    assert limited(queues=[pattern]).has_queue(name) == may


@pytest.mark.parametrize(
    "host", ["*", "a.*.example", "http://a.example", "a.example/x", "a:0", "a:70000", "[::g]", ""]
)
def test_a_pattern_that_matches_nothing_or_anything_is_refused(host: str) -> None:
    with pytest.raises(ValidationError):
        TokenLimits.model_validate({"hosts": [host]})


def test_a_pattern_is_kept_in_one_spelling() -> None:
    given = TokenLimits.model_validate(
        {"hosts": [" API.example.com. ", "api.example.com", "[2001:DB8:0::1]:443"]}
    )

    assert given.hosts == ("api.example.com", "[2001:db8::1]:443")
    assert host_of("[2001:db8::1]:443") == ("2001:db8::1", 443)


def test_no_limits_are_nothing() -> None:
    assert limits.of(TokenLimits()) is None
    assert limits.of(wanted()) is None


@pytest.mark.parametrize(
    ("expression", "least", "closer"),
    [
        ("*/5 * * * *", 300, False),
        ("*/5 * * * *", 301, True),
        ("0,59 * * * *", 120, True),
        ("0 8 1,2 * *", 86_400, False),
        ("0 8 1,2 * *", 86_401, True),
        ("0,1 0 29 2 *", 120, True),
        ("0 0 1 1 *", 31_000_000, False),
    ],
)
def test_no_two_of_the_next_fires_are_closer_than_allowed(expression: str, least: int, closer: bool) -> None:
    ours, plan = limited(min_interval_seconds=least), Plan(expression, "UTC")

    if closer:
        with pytest.raises(Invalid, match="The cron_expression field must leave") as refused:
            ours.check_interval(plan, NOW)
        assert refused.value.field == "cron_expression"
    else:
        ours.check_interval(plan, NOW)


OWN = {
    "queues": ["mail-*", "letters"],
    "hosts": ["*.example.com", "b.example:443"],
    "min_interval_seconds": 60,
    "may_delete": False,
    "calls_per_hour": 100,
    "runs_per_day": 1000,
    "expires_at": "2027-01-01T00:00:00Z",
}
"""Of a token that makes others."""


@pytest.mark.parametrize(
    "given",
    [
        {},
        {
            "queues": ["mail-a*", "letters"],
            "hosts": ["a.example.com:443", "*.b.example.com", "b.example:443"],
        },
        {"min_interval_seconds": 61, "calls_per_hour": 99, "expires_at": "2026-12-31T00:00:00Z"},
        {"calls_per_day": 5},
    ],
)
def test_a_token_gives_what_it_has(given: dict[str, Any]) -> None:
    limited(**OWN).check_gift(wanted(**OWN | given))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("queues", None),
        ("queues", ["mail-*", "m*"]),
        ("queues", ["*"]),
        ("hosts", None),
        ("hosts", ["example.com"]),
        ("hosts", ["b.example"]),
        ("hosts", ["*.example"]),
        ("min_interval_seconds", 59),
        ("min_interval_seconds", None),
        ("may_delete", True),
        ("calls_per_hour", 101),
        ("runs_per_day", None),
        ("expires_at", None),
        ("expires_at", "2027-01-01T00:00:01Z"),
    ],
)
def test_a_token_gives_no_more_than_it_has(name: str, value: Any) -> None:
    with pytest.raises(Forbidden, match=f"its own {name} is") as refused:
        limited(**OWN).check_gift(wanted(**OWN | {name: value}))

    assert refused.value.field == name


def test_a_scope_is_given_by_who_has_it() -> None:
    assert limits.may_give(frozenset({"admin"}), ["write", "admin"])
    assert not limits.may_give(frozenset({"read", "write"}), ["admin"])
