"""Every form of a page ends in an operation that has a name, and the audit trail says who did it, by the pages."""

import pytest
from redis.asyncio import Redis

from shared.actions import alerts, audit
from shared.schemas.accounts.audit import AuditLine, AuditQuery
from shared.store.keyspace import Team
from tests.pages.browser import Browser, Page, enter
from tests.pages.conftest import OWNER, at_an_address_of_its_own
from tests.pages.crons.filling import SHOP, a_cron
from tests.pages.overview.filling import refused_by_slack
from tests.pages.seam.posts import NAMES, NO_WRITES, WRITES, Post
from tests.pages.seam.watching import INSTALLATION, watching
from tests.pages.test_every_page import ROWS
from tests.pages.work import filling as work

IDS = {
    **{"team": "1", "alert": "1", "token": "1", "invitation": "1", "member": "2", "channel": "slack"},
    **{"cron": "1", "queue": "1", "problem": "2", "replay": "1"},
}
BY_PATH = {one.path: one for one in WRITES}


@pytest.fixture
async def full(address: str, owner: Browser, member: Browser, redis: Redis) -> Browser:
    """One of each thing: a cron that fails, dead letters of a queue, a job that waits, a token, another session."""
    await a_cron(redis, "xx", alert_threshold=1, cron_expression="0 * * * *")
    await refused_by_slack(redis)
    await work.dead(redis, 3, queue="mail", key="eu")
    await work.made(redis, queue="mail", key="eu", delay=3600)
    await owner.send(await owner.open("/t/1/settings/api"), name="agent")
    async with at_an_address_of_its_own(address) as elsewhere:
        await enter(Browser(elsewhere), redis, 1)
    return owner


async def test_every_form_stands_in_a_table() -> None:
    forms = {path for path, method in ROWS if method == "POST"}

    assert forms - BY_PATH.keys() - NO_WRITES.keys() == set()
    assert (BY_PATH.keys() | NO_WRITES.keys()) - forms == set()
    assert BY_PATH.keys() & NO_WRITES.keys() == set()
    assert {one.operation for one in WRITES} <= NAMES


@pytest.mark.parametrize("post", WRITES, ids=lambda one: one.path)
async def test_a_form_is_an_operation_and_the_trail_names_who_sent_it(
    full: Browser, redis: Redis, monkeypatch: pytest.MonkeyPatch, post: Post
) -> None:
    monkeypatch.setattr(alerts, "WAIT_SECONDS", 0.1)  # no worker sends the test of a channel
    if post.before:
        await sent(full, BY_PATH[post.before])
    known = await lines(redis)

    with watching() as found:
        page = await sent(full, post)

    assert page.status < 400, page.text
    (line,) = [one for one in await lines(redis) if one not in known]
    assert (line.operation, line.actor, line.interface) == (post.operation, OWNER, "web")
    assert line.request_id
    assert found.written() != set()
    assert {one.by for one in found.past()} <= ALSO_READ


ALSO_READ = {"visits.py", *INSTALLATION}
"""Whether a form was done before, and the overview, to which some lead."""


async def sent(owner: Browser, post: Post) -> Page:
    """The form as the page has it, with what is typed."""
    # A dead letter to replay or delete, the job that waits to cancel.
    ids = {**IDS, "job": "4" if post.path.endswith("/cancel") else "1", "session": ""}
    page = await owner.open((post.page or post.path).format(**ids))
    if "{session}" in post.path:
        (action, *_) = (form.action for form in page.forms if form.action.endswith("/revoke"))
    else:
        action = post.path.format(**ids)
    forms = [form for form in page.forms if form.action.partition("#")[0] == action]
    if not forms:
        return await owner.post(action, **{"once": "once", **dict(post.typed)})
    return await owner.send(page, forms[0].action, **dict(post.typed))


async def lines(redis: Redis) -> list[AuditLine]:
    """Of the trail of the team, and of one that is made."""
    found = [await audit.page(redis, team, AuditQuery(limit=100)) for team in (SHOP, Team(2))]
    return [line for one in found for line in one.data]
