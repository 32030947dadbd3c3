"""What users, callers and channels wrote is shown as text on the pages of settings: payloads in every stored field."""

from dataclasses import replace

import pytest
from redis.asyncio import Redis

from shared.actions import queues
from shared.actions.redaction import of_team
from shared.schemas.queues import QueueCreate
from shared.schemas.teams import Redaction
from shared.security.caller import Caller
from tests.calls import call_of
from tests.pages.browser import Browser, Page
from tests.pages.payloads import PAYLOADS, TELLING
from tests.pages.settings import filling
from tests.pages.settings.filling import SHOP

HOME = "/t/1/settings"
PAGES = ("notifications", "signing", "redaction", "limits", "audit", "agents")


async def planted(redis: Redis, payload: str) -> None:
    """Alerts, a rule and lines of the trail with the payload in all that somebody outside can write."""
    await filling.set_channels(redis)
    await filling.alerted(redis, name=payload, error=payload)
    rule = "body." + payload.replace(".", "")
    await of_team.put(call_of(redis, SHOP), Redaction(redact=(rule[:200],)))
    caller = Caller(SHOP, frozenset({"admin"}), name=payload)
    call = replace(call_of(redis, SHOP, caller=caller), client=payload, reason=payload, operation=payload)
    await queues.create(call, QueueCreate(name=payload))


def check(page: Page, payload: str, clean: set[str]) -> None:
    assert payload not in page.response.text or payload.startswith(("{", "&lt;")), page.path
    assert not [name for name in page.attributes if name.startswith("on") and name != "one"]
    assert page.tags & TELLING <= clean
    assert all((script["src"] or "").startswith("/static/") for script in page.scripts)
    assert not [link for link in page.links if link.startswith(("javascript:", "//"))]
    assert "evil" not in "".join(form.action for form in page.forms)


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_it_is_text_wherever_it_is_shown(owner: Browser, redis: Redis, payload: str) -> None:
    clean = (await owner.open(f"{HOME}/team")).tags
    await planted(redis, payload)

    pages = [await owner.open(f"{HOME}/{name}") for name in PAGES]

    assert {page.status for page in pages} == {200}
    for page in pages:
        check(page, payload, clean)
    assert " ".join(payload.split()) in pages[0].text
    assert " ".join(payload.split()) in pages[4].text
    assert "1337" not in "".join(page.text for page in pages)


@pytest.mark.parametrize("payload", PAYLOADS)
async def test_what_is_typed_or_stands_in_the_address_is_text(owner: Browser, payload: str) -> None:
    clean = (await owner.open(f"{HOME}/team")).tags

    pages = [
        await owner.open_with(
            f"{HOME}/audit", **dict.fromkeys(("q", "actor", "from", "to", "about"), payload)
        ),
        await owner.open_with(f"{HOME}/audit", before=payload, interface=payload),
        await owner.post(f"{HOME}/notifications/email", to=payload, version=payload),
        await owner.post(f"{HOME}/notifications/slack", hook=payload, enabled=payload),
        await owner.post(f"{HOME}/signing", keep_hours=payload, once=payload),
        await owner.post(f"{HOME}/signing/check", headers=payload, body=payload, own_secret=payload),
        await owner.post(f"{HOME}/redaction", redact=f"foot.{payload}", version=payload),
        await owner.post(
            f"{HOME}/limits", monthly_request_limit=payload, soft_limit=payload, version=payload
        ),
    ]

    for page in pages:
        assert page.status in (200, 409, 422), page.path
        check(page, payload, clean)
