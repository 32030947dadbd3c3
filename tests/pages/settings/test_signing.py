"""Settings, Signing: a secret is shown once, two hold for a while, and a check that fails is explained."""

import time

import pytest
from redis.asyncio import Redis

from shared.actions import signatures
from shared.schemas.teams import Signing
from shared.security import signing
from tests.calls import call_of
from tests.pages.browser import Browser, Page
from tests.pages.settings.filling import SHOP

PATH = "/t/1/settings/signing"
CHECK = f"{PATH}/check#why"
BODY = '{"n":1}'


def secret_of(page: Page) -> str:
    (found,) = [word for word in page.text.split() if word.startswith("whsec_")]
    return found


async def state(redis: Redis) -> Signing:
    return await signatures.state(call_of(redis, SHOP))


async def made(redis: Redis, keep_hours: int = 24) -> str:
    return (await signatures.rotate(call_of(redis, SHOP), keep_hours)).secret


def pasted(secret: str, body: str = BODY, **other: str) -> str:
    headers = signing.headers_of([secret], "job-1-7", body.encode(), int(time.time()))
    headers |= {name.replace("_", "-"): text for name, text in other.items()}
    return "\r\n".join(f"< {name}: {value}" for name, value in headers.items())


async def test_a_secret_is_shown_once(owner: Browser, redis: Redis) -> None:
    before = await owner.open(PATH)

    page = await owner.send(before)
    again = await owner.send(before)

    assert "Requests are not signed" in before.text
    assert (page.status, secret_of(page)) == (201, secret_of(again))
    assert (await state(redis)).is_enabled
    assert "whsec_" not in (await owner.open(PATH)).response.text


async def test_a_rotation_says_until_when_both_hold(owner: Browser, redis: Redis) -> None:
    first = await made(redis)

    page = await owner.send(await owner.open(PATH), keep_hours="168")

    until = (await state(redis)).previous_valid_until
    assert until is not None
    assert "Two secrets hold" in page.text
    assert f"until {until.day} {until:%B %Y}" in page.text
    assert "in 6 days" in page.text
    assert secret_of(page) != first


async def test_a_wrong_time_is_said_at_its_field(owner: Browser) -> None:
    page = await owner.post(PATH, keep_hours="721", once="a")

    assert page.status == 422
    assert "keep_hours" not in page.text.partition("Rotate")[2]


@pytest.mark.parametrize(
    ("headers", "body", "own", "part", "said"),
    [
        ({}, BODY, "", "", "the check of the receiver is wrong"),
        ({"webhook_id": "job-1-8", "Idempotency_Key": "job-1-7"}, BODY, "", "Id", "Idempotency-Key has"),
        ({"webhook_timestamp": "1790000000"}, BODY, "", "Time", "they are equal when they leave"),
        ({}, BODY, "whsec_" + "A" * 32, "Secret", "not with the one that was given"),
        ({}, '{"n": 1}', "", "Body", "as compact JSON"),
    ],
)
async def test_the_part_that_differs_is_named(
    owner: Browser, redis: Redis, headers: dict[str, str], body: str, own: str, part: str, said: str
) -> None:
    secret = await made(redis)

    page = await owner.send(
        await owner.open(PATH), CHECK, headers=pasted(secret, **headers), body=body, own_secret=own
    )

    assert page.status == 200
    assert said in page.text
    assert page.text.count(" differs ") == bool(part)
    assert f"{part} differs" in page.text or not part
    assert "whsec_" not in page.response.text


async def test_line_ends_of_a_browser_are_those_of_the_body(owner: Browser, redis: Redis) -> None:
    secret = await made(redis)

    page = await owner.send(
        await owner.open(PATH), CHECK, headers=pasted(secret, "a\nb"), body="a\r\nb", own_secret=secret
    )

    assert "Body the same" in page.text
    assert secret not in page.response.text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"headers": "no colon"}, "the line “no colon”"),
        ({"headers": "a: b", "own_secret": "whsec_*"}, "Must be whsec_ and base64"),
        ({"headers": "a: b", "body": "x" * 262_145}, "262144"),
    ],
)
async def test_what_cannot_be_checked_is_said_at_its_field(
    owner: Browser, typed: dict[str, str], said: str
) -> None:
    page = await owner.send(await owner.open(PATH), CHECK, **typed)

    assert page.status == 422
    assert said in page.text
    assert typed["headers"] in page.response.text
    assert "whsec_*" not in page.response.text


async def test_signing_ends_once_that_was_asked(owner: Browser, redis: Redis) -> None:
    await made(redis)

    page = await owner.send(await owner.open(f"{PATH}/delete"))

    assert page.path == PATH
    assert not (await state(redis)).is_enabled


async def test_a_member_checks_and_makes_no_secret(owner: Browser, member: Browser, redis: Redis) -> None:
    secret = await made(redis)

    page = await member.open(PATH)
    found = await member.send(page, CHECK, headers=pasted(secret), body=BODY)
    refused = [await member.post(f"{PATH}{rest}", keep_hours="0", once="a") for rest in ("", "/delete")]

    assert PATH not in [form.action for form in page.forms]
    assert "It is as this team signed it" in found.text
    assert [one.status for one in refused] == [403, 403]
