"""What of a received request differs from what was signed: each part changed by itself is the one that is named."""

import pytest

from shared.schemas.teams import SignatureCheck
from shared.security import differences, signing
from shared.security.differences import Arrived, Secret

SECRET, OTHER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + "A" * 32
NOW, BODY, ID = 1_790_000_000, b'{"n":1}', "job-1-1"
STAMPS = ("x-recuro-timestamp", "webhook-timestamp")


def headers(secret: str = SECRET, body: bytes = BODY, **other: str) -> dict[str, str]:
    signed = signing.headers_of([secret], ID, body, NOW)
    found = {name.lower(): value for name, value in signed.items()} | {"idempotency-key": ID}
    return found | {name.replace("_", "-"): value for name, value in other.items()}


def without(*names: str) -> dict[str, str]:
    return {name: value for name, value in headers().items() if name not in names}


def check(
    given: dict[str, str],
    body: bytes = BODY,
    *,
    secrets: tuple[Secret, ...] = (Secret(SECRET),),
    now: int = NOW,
) -> SignatureCheck:
    return differences.compared(Arrived(given, body), secrets, now)


def results(found: SignatureCheck) -> dict[str, str]:
    return {name: getattr(found, name).result for name in ("id", "time", "secret", "body")}


def test_what_we_signed_is_the_same_in_every_part() -> None:
    found = check(headers(), now=NOW + 300)

    assert found.is_genuine
    assert set(results(found).values()) == {"same"}


@pytest.mark.parametrize(
    ("given", "part", "result", "said"),
    [
        (headers(webhook_id="job-1-2"), "id", "differs", "the id that Idempotency-Key has"),
        (without("webhook-id"), "id", "differs", "the id that Idempotency-Key has"),
        (without("webhook-id", "idempotency-key"), "id", "unknown", "webhook-id did not arrive"),
        (headers(webhook_timestamp=str(NOW - 9)), "time", "differs", "x-recuro-timestamp has the one"),
        (headers(x_recuro_timestamp=str(NOW - 9)), "time", "differs", "webhook-timestamp has the one"),
        (headers(webhook_timestamp="now"), "time", "differs", "not a number of seconds"),
    ],
)
def test_a_changed_header_is_named_and_nothing_else(
    given: dict[str, str], part: str, result: str, said: str
) -> None:
    found = check(given)

    assert results(found) == dict.fromkeys(("id", "time", "secret", "body"), "same") | {part: result}
    assert said in getattr(found, part).message


def test_an_id_that_was_changed_in_both_headers_is_named() -> None:
    found = check(headers(webhook_id="job-1-2", idempotency_key="job-1-2"))

    assert results(found) == {"id": "differs", "time": "same", "secret": "same", "body": "same"}


@pytest.mark.parametrize(
    ("signed", "arrived", "said"),
    [
        (BODY, BODY + b"\n", "without the newline"),
        (BODY + b"\n", BODY, "with a newline"),
        (b"a\nb", b"a\r\nb", "LF instead of CR LF"),
        (b"a\r\nb", b"a\nb", "CR LF instead of LF"),
        (BODY, b"\xef\xbb\xbf" + BODY, "byte order mark"),
        (BODY, b'{"n": 1}', "compact JSON"),
    ],
)
def test_a_body_that_was_rewritten_is_named_with_how(signed: bytes, arrived: bytes, said: str) -> None:
    found = check(headers(body=signed), arrived)

    assert results(found) == {"id": "same", "time": "same", "secret": "same", "body": "differs"}
    assert said in found.body.message
    assert not found.is_genuine


def test_a_secret_that_is_not_good_any_more_is_named() -> None:
    found = check(headers(OTHER), secrets=(Secret(SECRET), Secret(OTHER, "It ended.")))

    assert results(found) == {"id": "same", "time": "same", "secret": "differs", "body": "same"}
    assert found.secret.message == "It ended."


def test_an_old_request_is_old_and_not_changed() -> None:
    found = check(headers(), now=NOW + 4000)

    assert results(found)["time"] == "old"
    assert "4,000 s old" in found.time.message
    assert "the one that was signed" in found.time.message
    assert not found.is_genuine


def test_where_nothing_matches_nothing_is_claimed() -> None:
    found = check(headers(OTHER), now=NOW)

    assert results(found) == dict.fromkeys(("id", "time", "secret", "body"), "unknown")


@pytest.mark.parametrize(
    ("given", "secrets", "said"),
    [
        ({}, (Secret(SECRET),), "No signature arrived"),
        (headers(), (), "no signing secret"),
    ],
)
def test_what_is_missing_is_said(given: dict[str, str], secrets: tuple[Secret, ...], said: str) -> None:
    found = check(given, secrets=secrets)

    assert said in found.secret.message
    assert (found.secret.result, found.is_genuine) == ("missing", False)


@pytest.mark.parametrize("scheme", [STAMPS[0], STAMPS[1]])
def test_one_of_the_schemes_alone_is_enough(scheme: str) -> None:
    kept = "webhook" if scheme.startswith("webhook") else "x-recuro"
    given = {name: value for name, value in headers().items() if name.startswith(kept)}

    assert check(given).is_genuine


def test_a_signature_is_found_among_whatever_else_its_header_has() -> None:
    given = headers()
    made = given["webhook-signature"]

    found = check(
        {**without(signing.SIGNATURE.lower()), "webhook-signature": f"v2,x{' ' * 8000}v1,short {made}"}
    )

    assert len(made) == differences.V1_CHARACTERS
    assert found.is_genuine
