"""/api/settings/notifications"""

import asyncio
import time

from redis.asyncio import Redis
from starlette.requests import Request
from starlette.responses import Response

from services.api.answers import answer
from services.api.auth import team_of
from services.api.requests import body_of, key_of
from services.api.routing import at
from shared import alerts, notifications, store
from shared.errors import Invalid
from shared.keyspace import Team
from shared.schemas.alerts import Channel, TestAsked, TestOutcome
from shared.schemas.notifications import Notifications

WAIT_SECONDS, LOOK_SECONDS = 10.0, 0.2
"""How long the answer to a test call is held back for its outcome, which a worker has to bring."""


async def show(request: Request) -> Response:
    team = await team_of(request, scope="read")
    return answer(await notifications.get(request.state.redis, request.state.admission.vault, team))


async def put(request: Request) -> Response:
    team = await team_of(request, scope="admin")
    admission = request.state.admission
    asked = admission.admit(team, await body_of(request, Notifications))
    key = key_of(request, team, asked)
    return answer(await notifications.put(request.state.redis, admission.vault, team, asked, key))


async def test(request: Request) -> Response:
    """Send a test call; 202 if its outcome is not known in time."""
    team = await team_of(request, scope="admin")
    asked, redis = await body_of(request, TestAsked), request.state.redis
    channel, key = asked.channel, key_of(request, team, asked)
    known = await notifications.get(redis, request.state.admission.vault, team)
    if getattr(known, channel) is None:
        raise Invalid(
            "channel", f"The channel field names {channel}, which is not set up; PUT its settings first."
        )
    test_id = await alerts.test(redis, team, channel, key=key)
    with store.begun():
        found = await _outcome(redis, team, test_id, channel)
    return answer(found, 202 if found.status == "pending" else 200)


async def _outcome(redis: Redis, team: Team, test_id: int, channel: Channel) -> TestOutcome:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        found = await alerts.outcome(redis, team, test_id, channel)
        if found.status != "pending" or time.monotonic() > deadline:
            return found
        await asyncio.sleep(LOOK_SECONDS)


routes = [
    at("/api/settings/notifications", GET=show, PUT=put),
    at("/api/settings/notifications/test", POST=test),
]
