"""The channels that a team gets its alerts through."""

import asyncio
import time

from shared.actions import alerts, notifications
from shared.errors import Invalid
from shared.operations import Call, Operation
from shared.schemas.alerts import ChannelTest, ChannelTestCreate, ChannelTestPending
from shared.schemas.notifications import Notifications
from shared.store import connection

WAIT_SECONDS, LOOK_SECONDS = 10.0, 0.2
"""How long the answer to a test call waits for its outcome, which a worker has to bring."""
PATH = "/api/settings/notifications"


async def show(call: Call) -> Notifications:
    return await notifications.show(call)


async def put(call: Call, channels: Notifications) -> Notifications:
    return await notifications.put(call, channels)


async def test(call: Call, wanted: ChannelTestCreate) -> ChannelTest:
    """Send a test call, and wait a while for its outcome."""
    channel = wanted.channel
    known = await notifications.get(call.redis, call.vault, call.team)
    if getattr(known, channel) is None:
        raise Invalid(
            "channel", f"The channel field names {channel}, which is not set up; PUT its settings first."
        )
    test_id = await alerts.test(call, channel)
    deadline = time.monotonic() + WAIT_SECONDS
    with connection.begun():
        while True:
            found = await alerts.outcome(call.redis, call.team, test_id, channel)
            if found.status != "pending":
                return found
            if time.monotonic() > deadline:
                return ChannelTestPending(**dict(found))
            await asyncio.sleep(LOOK_SECONDS)


OPERATIONS = (
    Operation(
        "get-notifications",
        "GET",
        PATH,
        "read",
        show,
        {200: Notifications},
        has_version=True,
        summary="Get the alert channels",
    ),
    Operation(
        "set-notifications",
        "PUT",
        PATH,
        "admin",
        put,
        {200: Notifications},
        takes=Notifications,
        has_version=True,
        summary="Set the alert channels",
        example={"slack": {"url": "https://hooks.slack.com/services/T0/B0/x"}},
    ),
    Operation(
        "test-notifications",
        "POST",
        f"{PATH}/test",
        "admin",
        test,
        {200: ChannelTest, 202: ChannelTestPending},
        takes=ChannelTestCreate,
        summary="Send a test message to an alert channel",
        example={"channel": "slack"},
    ),
)
