"""What tools show of headers: names and no values, but for those that say what a request is."""

from typing import Any

import pytest
from mcp import Client
from redis.asyncio import Redis

from services.mcp import headers
from shared.security.vault import MASK
from shared.store.keyspace import Team
from tests.mcp.clients import CRON, JOB
from tests.mcp.test_more_tools import refused
from tests.mcp.test_tools import call

VALUE = "a-value-of-8"
SENT = {"X-Shop": VALUE, "Content-Type": "text/csv", "accept": "*/*", "User-Agent": "shop/1", "X-Old": MASK}


def test_names_stay_and_values_go_but_for_those_that_say_what_a_request_is() -> None:
    assert headers.masked(SENT) == SENT | {"X-Shop": MASK}
    assert headers.masked({"X-A": "[redacted]"}) == {"X-A": "[redacted]"}
    assert headers.masked(None) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"sent {VALUE}, and {VALUE}", f"sent {MASK}, and {MASK}"),
        ("cut in the middle a-value-of", f"cut in the middle {MASK}"),
        ("too short to tell a-value", "too short to tell a-value"),
        ("text/csv shop/1", "text/csv shop/1"),
        ("", ""),
        (None, None),
    ],
)
def test_what_a_target_echoes_of_a_value_is_masked(text: str | None, shown: str | None) -> None:
    assert headers.without(text, SENT) == shown
    assert headers.without(text, None) == text


def test_a_short_value_is_in_many_a_text_by_chance() -> None:
    assert headers.without("seven77 letters", {"X-A": "seven77"}) == "seven77 letters"


def test_a_value_is_found_as_json_has_it() -> None:
    assert headers.without(r'{"x": "say \"hello\""}', {"X-A": 'say "hello"'}) == f'{{"x": "{MASK}"}}'


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (f"Assertion x failed: it is {VALUE}.", f"Assertion x failed: it is {MASK}."),
        ("Assertion x failed: it is a-value-…, twice a-value-o.", f"Assertion x failed: it is {MASK}…, twice {MASK}."),
        ("The status is 500, and nothing is quoted: a-value-of-8", "The status is 500, and nothing is quoted: a-value-of-8"),
        (None, None),
    ],
)  # fmt: skip
def test_a_sentence_quotes_no_beginning_of_one(error: str | None, shown: str | None) -> None:
    assert headers.without_quotes(error, SENT) == shown


def test_where_nobody_knows_what_was_sent_no_quote_is_shown() -> None:
    assert (
        headers.unquoted("ping failed once: Assertion x failed: it is a.")
        == "ping failed once: Assertion x failed."
    )
    assert headers.unquoted("ping failed once: timeout") == "ping failed once: timeout"


async def test_a_mask_given_back_keeps_the_value_and_makes_none(
    client: Client, redis: Redis, team: Team
) -> None:
    made = await call(client, "create-cron", **CRON, headers={"X-Shop": VALUE})

    changed = await call(client, "update-cron", id=made["id"], headers={"X-Shop": MASK, "X-New": "1"})
    spec = await redis.hget(f"{team.prefix}c:{team.id}:{made['id']}", "spec")  # type: ignore[misc]

    assert changed["headers"] == {"X-Shop": MASK, "X-New": MASK}
    assert VALUE in spec
    given = {"headers": {"X-Shop": MASK}}
    asked: dict[str, dict[str, Any]] = {
        "create-cron": {**CRON, **given},
        "create-job": {**JOB, **given},
        "create-crons": {"crons": [{**CRON, **given}]},
    }
    for tool, arguments in asked.items():
        said = await refused(client, tool, **arguments)
        assert f"has {MASK} for X-Shop, which only stands for a value" in said
