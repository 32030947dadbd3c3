"""What users and targets wrote is shown as text on the overview and in alerts: thirty payloads in every stored field."""

import json

import pytest
from redis.asyncio import Redis

from services.worker.work import Dead
from shared.actions import notifications, queues
from shared.schemas.notifications import Notifications
from shared.schemas.queues import QueueCreate
from shared.store import keyspace
from tests.calls import call_of
from tests.pages.browser import Browser
from tests.pages.crons.filling import SHOP, a_cron
from tests.pages.payloads import PAYLOADS
from tests.pages.work import filling as work
from tests.pages.work.test_hostile_texts import check

HOME = "/t/1"


async def planted(redis: Redis, payload: str) -> None:
    """A cron and jobs that fail, with alerts, a host that rests and a channel that refuses, all with the payload."""
    call = call_of(redis, SHOP)
    hook = {"slack": {"url": "https://hooks.slack.com/services/x"}}
    await notifications.put(call, Notifications.model_validate(hook))
    url = "https://a.example/?x=" + payload.replace(" ", "+").replace("\\", "")
    await a_cron(redis, "xx", name=payload, url=url, alert_threshold=1, cron_expression="0 * * * *")
    await queues.create(call, QueueCreate(name=payload, alerts_enabled=True))
    await work.made(redis, queue=payload, url=url)
    await work.ended(redis, [Dead()], payload, said=payload, url="https://a.example/" + payload)
    await work.made(redis, queue=payload, url=url, delay=3600)
    facts = {"url": url, "error_message": payload, "response": payload, "response_status": 503}
    said = {"facts": json.dumps(facts), "labels": json.dumps({"team": payload})}
    for alert in (1, 2):
        channel = {"channel:slack": "failed", "error:slack": payload}
        await redis.hset(f"{SHOP.prefix}a:1:{alert}", mapping={**said, **channel})  # type: ignore[misc]
    await redis.hset(keyspace.troubles(), "worker:a:1", payload)  # type: ignore[misc]


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_it_is_text_wherever_it_is_shown(owner: Browser, redis: Redis, payload: str) -> None:
    clean = (await owner.open(f"{HOME}/settings/team")).tags
    await planted(redis, payload)

    paths = (HOME, f"{HOME}/today", f"{HOME}/alerts", f"{HOME}/alerts/1", f"{HOME}/alerts/2", "/system")
    pages = [await owner.open(path) for path in paths]
    pages.append(await owner.open_with(f"{HOME}/alerts", search=payload, page=payload))

    assert {page.status for page in pages} == {200}
    for page in pages:
        check(page, payload, clean)
    assert " ".join(payload.split()) in pages[3].text
    assert "1337" not in "".join(page.text for page in pages)
