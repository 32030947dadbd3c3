"""What users and targets wrote is shown as text on every page of crons: thirty payloads in every stored field."""

import json
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from services.scheduler.fire import fire_due
from services.worker.intake.claims import Claims
from services.worker.work import Fail, Result
from shared import clock
from shared.actions import crons
from tests.pages.browser import Browser
from tests.pages.crons import filling
from tests.pages.crons.filling import SHARD, SHOP, a_cron
from tests.pages.payloads import PAYLOADS, TELLING

PATH = "/t/1/crons"


async def planted(redis: Redis, payload: str) -> str:
    """A cron and a fire with the payload in all that somebody outside can write; the path of the fire."""
    header = payload.encode("ascii", "ignore").decode()
    await a_cron(
        redis,
        name=payload,
        url="https://a.example/?x=" + payload.replace(" ", "+").replace("\\", ""),
        headers={"X-Planted": header},
        payload=payload,
        cron_expression="* * * * *",
        callback_url="https://b.example/?x=" + payload.replace(" ", "+"),
        success_assertions=[
            {"type": "body_contains", "value": payload},
            {"type": "header_equals", "name": "X-A", "value": payload},
        ],
    )
    cron = await crons.get(redis, SHOP, 1)
    assert cron.next_run_at
    at = cron.next_run_at + timedelta(milliseconds=100)
    await fire_due(redis, SHARD, at)
    claims = Claims(redis, SHARD, "w")
    now = clock.milliseconds(at)
    works = await claims.claim(64, now)
    named = {"X-Planted": payload, payload: "as a name", "X-Many": [payload, payload]}
    run = [1, 503, 9, now, payload, named, True, "http_server_error", payload, None, {"X": payload}, payload]
    run += [[1, 1, 1, 1, payload, payload], "POST", "https://a.example/" + payload, True]
    text = json.dumps(run, separators=(",", ":"))
    await claims.finish([Result(work, Fail(), text, payload, "http_server_error") for work in works], now)
    return f"{PATH}/1/fires/{(await filling.newest(redis, 1)).id}"


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_it_is_text_wherever_it_is_shown(owner: Browser, redis: Redis, payload: str) -> None:
    fire = await planted(redis, payload)
    clean = (await owner.open("/t/1/settings/team")).tags
    paths = ("", "/day", "/month", "/1", "/1/edit", "/1/delete", "/new?copy=1")

    pages = [await owner.open(f"{PATH}{rest}") for rest in paths] + [await owner.open(fire)]

    assert {page.status for page in pages} == {200}
    for page in pages:
        shown = page.response.text
        assert payload not in shown or payload.startswith(("{", "&lt;")), page.path
        assert not [name for name in page.attributes if name.startswith("on")]
        assert page.tags & TELLING <= clean
        assert all((script["src"] or "").startswith("/static/") for script in page.scripts)
        assert not [link for link in page.links if link.startswith(("javascript:", "//"))]
        assert "evil" not in "".join(form.action for form in page.forms)
    assert " ".join(payload.split()) in pages[3].text
    assert "1337" not in "".join(page.text for page in pages)


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_what_the_address_says_is_text(owner: Browser, redis: Redis, payload: str) -> None:
    await a_cron(redis)

    pages = [
        await owner.open_with(PATH, q=payload),
        await owner.open_with(f"{PATH}/1", at=payload, filter=payload),
        await owner.open_with(f"{PATH}/month", month=payload),
        await owner.open_with(f"{PATH}/new", copy=payload),
    ]
    typed = await owner.post(
        f"{PATH}/new", do="create", name=payload, url=payload, headers=payload, kind=payload
    )

    for page in [*pages, typed]:
        assert page.status in (200, 422)
        assert payload not in page.response.text or payload.startswith(("{", "&lt;"))
        assert not [name for name in page.attributes if name.startswith("on")]
        assert all((script["src"] or "").startswith("/static/") for script in page.scripts)
