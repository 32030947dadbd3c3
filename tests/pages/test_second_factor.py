"""The second factor on the pages: its picture, its codes, and what each step asks for."""

import html
import re
from urllib.parse import unquote
from xml.etree import ElementTree

import pyotp
import pytest
import segno
from redis.asyncio import Redis

from shared.actions.accounts import links
from shared.actions.accounts.links import Purpose
from shared.security import second_factor
from shared.store import account_keys, keyspace
from tests.pages.browser import PASSWORD, Browser, Page, enter
from tests.pages.conftest import OWNER

PATH = "/me/second-factor"
CONFIRM, CODES, REMOVE = f"{PATH}/confirm", f"{PATH}/recovery-codes", f"{PATH}/remove"


async def begin(browser: Browser) -> Page:
    return await browser.send(await browser.open(PATH), current=PASSWORD)


def secret_of(page: Page) -> str:
    return page.form(CONFIRM).fields["secret"]


def codes_of(page: Page) -> list[str]:
    found = re.findall(r"\b\w{4}-\w{4}-\w{4}-\w{4}\b", page.text)
    assert len(found) == 10
    return found


async def add(browser: Browser) -> tuple[str, list[str]]:
    page = await begin(browser)
    code = pyotp.TOTP(secret_of(page)).now()
    done = await browser.send(page, CONFIRM, code=code, kept="on")
    assert (done.status, done.path) == (200, "/me")
    return secret_of(page), codes_of(page)


async def test_it_is_added_and_asked_for_at_the_next_sign_in(owner: Browser, other: Browser) -> None:
    _, codes = await add(owner)

    asked = await other.sign_in(OWNER)
    refused = await other.send(asked, "/sign-in/code", code="nonsense")
    inside = await other.send(refused, "/sign-in/code", code=codes[0])

    assert "One more step" in asked.text
    assert refused.status == 422
    assert inside.path == "/t/1"
    assert "Nine recovery codes left." in (await other.open("/me")).text


async def test_a_thief_confirms_none_after_the_owner_has_set_another_password(
    owner: Browser, other: Browser, redis: Redis
) -> None:
    await other.sign_in(OWNER)  # with the password that was stolen
    page = await begin(other)
    await other.open("/me")  # which the process remembers for some seconds
    link = links.address_of("", Purpose.RESET, await links.make(redis, Purpose.RESET, 1))
    await owner.send(await owner.open(link), link, password="nine badgers dig")

    refused = await other.send(page, CONFIRM, code=pyotp.TOTP(secret_of(page)).now(), kept="on")
    renamed = await other.post("/me/name", name="Mallory")
    made = await other.post("/t/1/settings/api", name="left", scope="admin")

    assert (refused.status, "No second factor was begun" in refused.text) == (422, True)
    assert (renamed.path, made.path) == ("/sign-in", "/sign-in")
    assert "recuro" not in other.client.cookies
    me = await owner.open("/me")
    assert "Add a second factor" in me.text
    assert "Mallory" not in me.text
    assert not await redis.exists("r:{global}:tokens:1")


async def test_nothing_is_shown_before_the_password(owner: Browser, redis: Redis) -> None:
    wrong = await owner.send(await owner.open(PATH), current="wrong otters knit")

    assert wrong.status == 422
    assert "Must be your password as it is now." in wrong.text
    assert "wrong otters knit" not in wrong.response.text
    assert not await redis.hexists(account_keys.user(1), "totp_new")  # type: ignore[misc]


async def test_the_picture_is_of_the_secret_that_stands_beside_it(owner: Browser) -> None:
    page = await begin(owner)
    (address,) = re.findall(r'<img class="qr" src="data:image/svg\+xml[^,]*,([^"]+)"', page.response.text)
    expected = segno.make(second_factor.address_of(secret_of(page), OWNER), micro=False)

    drawn = ElementTree.fromstring(unquote(html.unescape(address)))

    dark = [one.get("d") for one in drawn.iter() if one.get("stroke") == "#000"]
    assert dark == re.findall(r'd="([^"]+)"', expected.svg_inline(border=4))
    secret = secret_of(page)
    assert f" {' '.join(secret[i : i + 4] for i in range(0, 32, 4))} " in page.text
    assert secret not in page.text


async def test_a_wrong_code_shows_the_same_secret_and_codes_again(owner: Browser) -> None:
    page = await begin(owner)

    wrong = await owner.send(page, CONFIRM, code="nonsense", kept="on")

    assert wrong.status == 422
    assert "Must be the code that your app shows now" in wrong.text
    assert (secret_of(wrong), codes_of(wrong)) == (secret_of(page), codes_of(page))
    assert wrong.form(CONFIRM).fields["kept"] == "on"


async def test_nothing_counts_before_the_recovery_codes_are_kept(owner: Browser) -> None:
    page = await begin(owner)
    code = pyotp.TOTP(secret_of(page)).now()

    wrong = await owner.send(page, CONFIRM, code=code)
    done = await owner.send(wrong, CONFIRM, code=code, kept="on")

    assert wrong.status == 422
    assert "without them a lost app locks you out" in wrong.text
    assert codes_of(wrong) == codes_of(page)
    assert "Ten recovery codes left." in done.text


async def test_of_two_pages_the_one_opened_last_counts(owner: Browser) -> None:
    first, last = await begin(owner), await begin(owner)

    stale = await owner.send(first, CONFIRM, code=pyotp.TOTP(secret_of(first)).now(), kept="on")
    done = await owner.send(last, CONFIRM, code=pyotp.TOTP(secret_of(last)).now(), kept="on")

    assert "Another one was begun since this page was opened" in stale.text
    assert done.path == "/me"


async def test_recovery_codes_are_renewed_once_they_are_kept(owner: Browser, other: Browser) -> None:
    _, codes = await add(owner)
    wrong = await owner.send(await owner.open(CODES), current=PASSWORD, code="nonsense")
    offered = await owner.send(wrong, CODES, current=PASSWORD, code=codes[0])

    inside = await other.send(await other.sign_in(OWNER), "/sign-in/code", code=codes[1])
    done = await owner.send(offered, f"{CODES}/confirm")

    assert wrong.status == 422
    assert inside.path == "/t/1"
    assert not {*codes} & {*codes_of(offered)}
    assert (done.path, "Ten recovery codes left." in done.text) == ("/me", True)


async def test_it_is_removed_by_the_password_and_a_code(owner: Browser) -> None:
    _, codes = await add(owner)
    kept = [
        await owner.post(REMOVE, code=codes[0]),
        await owner.send(await owner.open(REMOVE), current=PASSWORD, code="nonsense"),
    ]

    removed = await owner.send(await owner.open(REMOVE), current=PASSWORD, code=codes[0])

    assert [page.status for page in kept] == [422, 422]
    assert "Add a second factor" in removed.text


@pytest.mark.parametrize("path", [CODES, REMOVE])
async def test_without_one_there_is_nothing_to_renew_or_remove(owner: Browser, path: str) -> None:
    assert (await owner.open(path)).path == "/me"


async def test_with_one_there_is_none_to_add(owner: Browser) -> None:
    await add(owner)

    assert (await owner.open(PATH)).path == "/me"


async def test_without_a_password_an_old_sign_in_is_told_to_begin_anew(owner: Browser, redis: Redis) -> None:
    await redis.hset(account_keys.user(1), "password", "")  # type: ignore[misc]
    await enter(owner, redis, 1)
    fresh = await owner.open(PATH)
    await redis.set(keyspace.correction(keyspace.SHARDS[0]), 600_000)

    old = await owner.open(PATH)
    sent = await owner.send(fresh, PATH)

    assert PATH in [form.action for form in fresh.forms]
    assert PATH not in [form.action for form in old.forms]
    assert "signed in more than 10 minutes ago" in old.text
    assert (sent.status, "signed in more than 10 minutes ago" in sent.text) == (422, True)
