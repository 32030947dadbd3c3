"""What users and targets wrote is shown as text on the pages of jobs: thirty payloads in every stored field."""

from typing import Any

import pytest
from redis.asyncio import Redis

from services.worker.work import Dead
from shared.actions import queues
from shared.schemas.queues import QueueUpdate
from tests.calls import call_of
from tests.pages.browser import Browser, Page
from tests.pages.payloads import PAYLOADS, TELLING
from tests.pages.work import filling
from tests.pages.work.filling import SHOP

HOME = "/t/1"


async def planted(redis: Redis, payload: str) -> None:
    """A dead letter, and a job that waits, with the payload in all that somebody outside can write."""
    url = "https://a.example/?x=" + payload.replace(" ", "+").replace("\\", "")
    fields: dict[str, Any] = {
        "queue": payload,
        "url": url,
        "headers": {"X-Planted": payload},
        "payload": {payload: payload},
        "callback_url": url,
        "key": payload,
    }
    named = {"X-Planted": payload, payload: "as a name", "X-Many": [payload, payload]}
    await filling.made(redis, **fields)
    await filling.ended(
        redis, [Dead()], payload, headers=named, said=payload, url="https://a.example/" + payload
    )
    await filling.made(redis, **{**fields, "payload": None, "body": payload}, delay=3600)
    await queues.update(call_of(redis, SHOP), 1, QueueUpdate(key_max_parallelism=1))


def check(page: Page, payload: str, clean: set[str]) -> None:
    assert payload not in page.response.text or payload.startswith(("{", "&lt;")), page.path
    assert not [name for name in page.attributes if name.startswith("on") and name != "one"]
    assert page.tags & TELLING <= clean
    assert all((script["src"] or "").startswith("/static/") for script in page.scripts)
    assert not [link for link in page.links if link.startswith(("javascript:", "//"))]
    assert "evil" not in "".join(form.action for form in page.forms)


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_it_is_text_wherever_it_is_shown(owner: Browser, redis: Redis, payload: str) -> None:
    await planted(redis, payload)
    clean = (await owner.open(f"{HOME}/settings/team")).tags
    paths = ("/jobs", "/jobs/1", "/jobs/2", "/jobs/new", "/jobs/new?copy=1", "/jobs/new?copy=2", "/queues")
    more = ("/queues/1", "/queues/1/delete", "/dead-letters", "/dead-letters?view=one", "/dead-letters/1")
    purges = ("/dead-letters/1/purge",)

    pages = [await owner.open(f"{HOME}{path}") for path in (*paths, *more, *purges)]

    assert {page.status for page in pages} == {200}
    for page in pages:
        check(page, payload, clean)
    assert " ".join(payload.split()) in pages[1].text
    assert "1337" not in "".join(page.text for page in pages)


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_what_is_typed_or_stands_in_the_address_is_text(
    owner: Browser, redis: Redis, payload: str
) -> None:
    await filling.dead(redis)
    clean = (await owner.open(f"{HOME}/settings/team")).tags

    pages = [
        await owner.open_with(f"{HOME}/jobs", q=payload, status=payload, queue=payload),
        await owner.open_with(f"{HOME}/jobs/new", queue=payload, copy=payload),
        await owner.open_with(f"{HOME}/queues", search=payload),
        await owner.open_with(f"{HOME}/dead-letters", q=payload),
        await owner.open_with(f"{HOME}/dead-letters", view="one", q=payload),
        await owner.open_with(f"{HOME}/dead-letters/1", rate=payload, origin=payload, headers=payload),
        await owner.post(f"{HOME}/jobs/new", queue=payload, url=payload, headers=payload, body=payload),
        await owner.post(f"{HOME}/queues/new", name=payload, retry_delays=payload, labels=payload),
        await owner.post(f"{HOME}/queues/1", name=payload, rate_limit=payload, version=payload),
        await owner.post(f"{HOME}/dead-letters/1/replay", rate=payload, origin=payload, headers=payload),
        await owner.post(f"{HOME}/dead-letters/1/purge", number=payload),
    ]

    for page in pages:
        assert page.status in (200, 409, 422), page.path
        check(page, payload, clean)
