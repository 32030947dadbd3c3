"""Who is signed in is looked up once for all who ask at the same time, and each has an answer of its own."""

import asyncio

from redis.asyncio import Redis

from shared.actions.accounts.visits import Accounts, Visitor
from shared.errors import Unauthenticated
from shared.security.sessions import Sessions, Signed
from shared.settings import Settings
from tests.actions.people import ADA, GRACE, enter, make
from tests.calls import VAULT

VISITOR = Visitor("192.0.2.7", "Firefox", request_id="r-7")


async def reads(redis: Redis) -> int:
    return int((await redis.info("stats"))["total_reads_processed"])


async def test_many_are_looked_up_in_two_round_trips(redis: Redis, settings: Settings) -> None:
    having = Accounts.of(redis, VAULT, settings)
    for email in (ADA, GRACE):
        await make(having, email)
    ada, grace = [(await enter(having, VISITOR, email)).session for email in (ADA, GRACE)]
    sessions = Sessions(redis, settings)
    await sessions.signed((await enter(having, VISITOR, ADA)).session)  # connected from here on
    before = await reads(redis)

    found = await asyncio.gather(
        *(sessions.signed(one) for one in (ada, grace, "none", ada, grace)), return_exceptions=True
    )

    assert await reads(redis) - before - 1 == 2
    assert [one.email if isinstance(one, Signed) else type(one) for one in found] == [
        *(ADA, GRACE, Unauthenticated, ADA, GRACE)
    ]
