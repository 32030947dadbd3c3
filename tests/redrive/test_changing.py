"""What a request becomes: what stays, what goes, and what is another intent."""

from hashlib import sha1
from typing import Any

import pytest
from pydantic import ValidationError

from shared.actions.redrive import changing
from shared.actions.redrive.changing import Change, Changed, Made, Unchangeable
from shared.errors import Invalid
from shared.schemas.dead_letters import ReplayChange, ReplayCreate
from shared.security.destinations import origin_of
from shared.security.vault import MASK
from shared.store import stored
from shared.store.keyspace import Team
from tests.calls import VAULT

TEAM = Team(1)
URL = "https://a.example/in/7?x=1"
SEALED = VAULT.seal_headers({"Authorization": "Bearer of-a", "X-Tenant": "7"}, 1, origin_of(URL))
BEFORE: dict[str, Any] = {"url": URL, "headers": SEALED, "payload": {"n": 1}, "retry_delays": [1]}


def change(**given: object) -> Change:
    return changing.of_call(ReplayChange.model_validate(given), VAULT, TEAM)


def applied(before: dict[str, Any] = BEFORE, **given: object) -> Changed:
    done = change(**given).applied(before)
    assert isinstance(done, Changed)
    return done


def opened(done: Changed) -> dict[str, str]:
    return VAULT.open_headers(done.fields["headers"], 1, origin_of(done.fields["url"]))


def test_what_is_not_given_stays() -> None:
    done = applied(timeout_seconds=9)

    assert done.fields == {**BEFORE, "timeout_seconds": 9}
    assert not done.is_new


def test_headers_are_merged_by_name_and_null_removes_one() -> None:
    done = applied(headers={"x-tenant": None, "X-New": "1", "authorization": "Bearer anew"})

    assert opened(done) == {"X-New": "1", "authorization": "Bearer anew"}


def test_secrets_stay_with_the_destination_they_were_given_for() -> None:
    same, other = applied(url="https://A.example:443/other"), applied(url="https://b.example/other")

    assert opened(same) == {"Authorization": "Bearer of-a", "X-Tenant": "7"}
    assert opened(other) == {"X-Tenant": "7"}
    assert (same.dropped, other.dropped) == ((), ("Authorization",))


@pytest.mark.parametrize("moved", ["http://a.example", "https://a.example:444", "https://a.example.org/"])
def test_another_scheme_host_or_port_drops_them_and_keeps_the_path(moved: str) -> None:
    done = applied(origin=moved)

    assert done.fields["url"] == moved.rstrip("/") + "/in/7?x=1"
    assert done.dropped == ("Authorization",)
    assert opened(done) == {"X-Tenant": "7"}


def test_a_secret_that_is_given_anew_is_sealed_for_where_it_goes() -> None:
    done = applied(origin="https://b.example", headers={"Authorization": "Bearer of-b"})

    assert done.dropped == ()
    assert opened(done)["Authorization"] == "Bearer of-b"
    assert "of-b" not in stored.spec(done.fields)


def test_a_body_takes_the_place_of_any_other() -> None:
    spelled = {**BEFORE, "payload_json": '{"n":1.10}'}

    assert "payload" not in applied(spelled, body="raw").fields
    assert "payload_json" not in applied(spelled, payload={"n": 2}).fields
    assert applied({"url": URL, "body": "raw"}, payload={"n": 2}).fields == {"url": URL, "payload": {"n": 2}}
    assert applied({"url": URL, "body": "raw"}, body=None).fields == {"url": URL}


def test_a_payload_in_place_of_xml_does_not_say_that_it_is_xml() -> None:
    before = {"url": URL, "body": "<a/>", "headers": {"Content-Type": "text/xml", "X-Tenant": "7"}}

    assert applied(before, payload={"n": 2}).fields["headers"] == {"X-Tenant": "7"}
    assert applied(before, body="<b/>").fields["headers"] == before["headers"]
    with pytest.raises(Invalid, match="payload"):
        applied(before, payload={"n": 2}, headers={"Content-Type": "text/xml"})


@pytest.mark.parametrize(
    ("given", "is_new"),
    [
        ({"headers": {"Authorization": "Bearer anew"}}, False),
        ({"origin": "https://b.example"}, False),
        ({"timeout_seconds": 5}, False),
        ({"method": "POST"}, False),
        ({"payload": {"n": 1}}, False),
        ({"url": "https://b.example/in/7?x=1"}, False),
        ({"url": "https://a.example/in/8?x=1"}, True),
        ({"method": "PUT"}, True),
        ({"payload": {"n": 2}}, True),
        ({"body": '{"n":1}'}, True),
    ],
)
def test_another_method_path_or_body_is_another_intent(given: dict[str, Any], is_new: bool) -> None:
    assert applied(**given).is_new is is_new


def test_a_key_of_the_callers_own_goes_with_the_intent_it_was_given_for() -> None:
    before = {"url": URL, "headers": {"Idempotency-Key": "mine"}}

    assert applied(before, headers={"X-New": "1"}).fields["headers"]["Idempotency-Key"] == "mine"
    assert "headers" not in applied(before, body="other").fields
    anew = applied(before, body="other", headers={"idempotency-key": "another"})
    assert anew.fields["headers"] == {"idempotency-key": "another"}


def test_what_a_replay_keeps_does_the_same_and_shows_no_secret() -> None:
    given: dict[str, Any] = {
        "origin": "https://b.example",
        "headers": {"X-Api-Key": "of-b", "X-Tenant": None},
    }
    kept = changing.kept(change(**given), ["https://b.example:443"])

    again = changing.of_kept(kept).applied(BEFORE)

    assert again == applied(**given)
    assert "of-b" not in kept


def test_what_was_sealed_for_no_such_destination_is_not_sent() -> None:
    kept = changing.kept(change(headers={"Authorization": "Bearer anew"}), ["https://b.example:443"])

    assert changing.of_kept(kept).applied(BEFORE) == Unchangeable(changing.NOT_SEALED)


@pytest.mark.parametrize(
    ("spec", "given", "reason"),
    [
        ("{spoiled", {"method": "PUT"}, changing.UNREADABLE),
        ('{"method":"PUT"}', {"method": "PUT"}, changing.UNREADABLE),
        ('{"url":"https://a/","headers":[1]}', {"method": "PUT"}, changing.UNREADABLE),
        (
            stored.spec({"url": "https://a.example/" + 2030 * "a"}),
            {"origin": "https://much.longer.example"},
            changing.TOO_LONG,
        ),
        (
            stored.spec({"url": URL, "headers": {f"X-{n}": "" for n in range(64)}}),
            {"headers": {"X-A": "1"}},
            changing.TOO_MANY,
        ),
    ],
)
def test_what_cannot_be_changed_says_why(spec: str, given: dict[str, Any], reason: str) -> None:
    assert changing.request(1, spec, change(**given)) == Unchangeable(reason)


def test_a_request_names_what_it_was_made_of() -> None:
    spec = '{"url":"https://a.example/"}'

    made = changing.request(5, spec, change(body="new"))

    assert isinstance(made, Made)
    assert made.request.spec == '{"method":"POST","url":"https://a.example/","body":"new"}'
    assert made.request.was == sha1(spec.encode()).hexdigest()
    assert (made.request.id, made.request.is_new) == (5, True)


def test_a_mask_is_no_value() -> None:
    with pytest.raises(Invalid, match="Authorization"):
        change(headers={"Authorization": MASK})


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"url": URL, "origin": "https://b.example"},
        {"payload": {}, "body": ""},
        {"origin": "https://b.example/path"},
        {"origin": "https://b.example?x"},
        {"headers": {"Host": "b.example"}},
        {"headers": {"X-A": "1", "x-a": None}},
    ],
)
def test_a_change_that_makes_no_sense_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ReplayChange.model_validate(given)


@pytest.mark.parametrize("given", [{"url": URL}, {"headers": {"Idempotency-Key": "mine"}}])
def test_what_must_not_be_of_several_is_of_one_id(given: dict[str, Any]) -> None:
    assert ReplayCreate.model_validate({"ids": [1], "change": given}).is_at_once
    for chosen in ({"ids": [1, 2]}, {"all": True}):
        with pytest.raises(ValidationError, match="exactly one"):
            ReplayCreate.model_validate({**chosen, "change": given})
