"""Which fields a rule names."""

import json
from typing import Any

import pytest

from shared.basics.redaction import MOST_STEPS, NOT_JSON, REDACTED, check, rules_of

GONE = REDACTED


def applied(rules: tuple[str, ...], value: Any) -> tuple[Any, list[str]]:
    found: list[str] = []
    return rules_of(rules).applied(value, found), found


@pytest.mark.parametrize(
    ("rule", "value", "kept"),
    [
        ("body.pin", {"pin": 1, "n": 2}, {"pin": GONE, "n": 2}),
        ("body.card.number", {"card": {"number": "4", "of": "me"}}, {"card": {"number": GONE, "of": "me"}}),
        ("body.card.number", {"number": "4", "card": "4"}, {"number": "4", "card": "4"}),
        ("body.card", {"card": {"number": "4"}}, {"card": GONE}),
        ("body.cards.number", {"cards": [{"number": "4"}, 5]}, {"cards": [{"number": GONE}, 5]}),
        ("body.pin", [{"pin": 1}, [{"pin": 2}]], [{"pin": GONE}, [{"pin": GONE}]]),
        ("body.*.pin", {"a": {"pin": 1}, "pin": 2}, {"a": {"pin": GONE}, "pin": 2}),
        ("body.**.pin", {"a": {"b": [{"pin": 1}]}, "pin": 2}, {"a": {"b": [{"pin": GONE}]}, "pin": GONE}),
        ("body.**.a.b", {"a": {"a": {"b": 1}}}, {"a": {"a": {"b": GONE}}}),
        ("body.a.**.b", {"b": 1, "a": {"x": {"b": 2}}}, {"b": 1, "a": {"x": {"b": GONE}}}),
        ("body.Pin", {"PIN": 1}, {"PIN": GONE}),
        ("body.pin", {"pin": None}, {"pin": GONE}),
        ("body.*", {"a": 1, "b": [2]}, {"a": GONE, "b": GONE}),
        ("body", {"a": 1}, GONE),
        ("body.**", {"a": 1}, GONE),
        ("headers.pin", {"pin": 1}, {"pin": 1}),
    ],
)
def test_a_rule_names_fields(rule: str, value: Any, kept: Any) -> None:
    assert applied((check(rule),), value)[0] == kept


def test_what_stays_as_it_is_is_the_same_value() -> None:
    value = {"a": [{"b": 1}]}

    assert applied(("body.c", "body.**.d"), value)[0] is value


def test_what_is_left_out_is_told() -> None:
    value = {"card": {"number": "4111", "cvv": 123, "valid": True, "old": [None, "5500"]}}

    _, found = applied(("body.card",), value)

    assert found == ["4111", "123", "5500"]


WRONG = """
    | pin | body. | body..a | header.X | headers. | headers.a b | headers.Idempotency-Key | bodyguard | body.**.a.**
"""


@pytest.mark.parametrize(
    "rule", [*map(str.strip, WRONG.split("|")), "body.\n", "body" + ".a" * (MOST_STEPS + 1)]
)
def test_what_is_no_rule_is_refused(rule: str) -> None:
    with pytest.raises(ValueError, match="must"):
        check(rule)


def test_a_text_in_which_nothing_is_named_stays_as_it_was_written() -> None:
    assert rules_of(("body.pin",)).text('{ "n" : 1.0 }', []) == '{ "n" : 1.0 }'


@pytest.mark.parametrize(
    "text",
    ["pin=1", "<pin>1</pin>", '{"pin": 1', '{"pin": 1, "pin": 2}', "[" * 300 + "]" * 300, '{"a": "\\ud800"}'],
)
def test_a_text_that_cannot_be_read_in_one_way_is_left_out(text: str) -> None:
    found: list[str] = []

    assert rules_of(("body.pin",)).text(text, found) == NOT_JSON
    assert found == [text]


@pytest.mark.parametrize("cut", range(1, 60))
def test_of_a_text_that_was_cut_nothing_that_is_named_is_left(cut: int) -> None:
    whole = json.dumps({"a": {"pin": "canary-of-a-pin"}, "b": [{"pin": "canary-of-a-pin"}], "c": 1})

    assert "can" not in rules_of(("body.**.pin",)).text(whole[:cut], [], is_cut=True)


def test_of_a_text_that_was_cut_the_rest_of_its_beginning_stays() -> None:
    assert (
        rules_of(("body.pin",)).text('{"n": 1, "pin": "12', [], is_cut=True) == '{"n":1,"pin":"[redacted]"}'
    )


def test_many_rules_are_applied_to_a_large_body_at_once() -> None:
    """Whoever writes rules and bodies shares the worker with others."""
    rules = tuple(f"body.**.*.*.*.*.f{n}" for n in range(20))
    value = {f"a{n}": {"b": {"c": {"d": {"f1": n, "x": n}}}} for n in range(2000)}

    kept, found = applied(rules, value)

    assert len(found) == 2000
    assert kept["a7"]["b"]["c"]["d"] == {"f1": GONE, "x": 7}
