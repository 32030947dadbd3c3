"""The channels that a team gets its alerts through."""

from shared.actions import alerts, notifications
from shared.operations import Call, Operation
from shared.schemas.alerts import ChannelTest, ChannelTestCreate, ChannelTestPending
from shared.schemas.notices import NoticeStatus
from shared.schemas.notifications import Notifications

PATH = "/api/settings/notifications"


async def show(call: Call) -> Notifications:
    return await notifications.show(call)


async def put(call: Call, channels: Notifications) -> Notifications:
    return await notifications.put(call, channels)


async def test(call: Call, wanted: ChannelTestCreate) -> ChannelTest:
    found = await alerts.tried(call, wanted.channel)
    return ChannelTestPending(**dict(found)) if found.status == NoticeStatus.PENDING else found


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
