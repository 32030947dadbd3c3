"""The tool for who is told if something is not well."""

from typing import Annotated, Any

from pydantic import Field

from services.mcp.tools import cautions
from services.mcp.tools.tool import Key, Tool
from shared.actions import alerts, notifications
from shared.errors import Invalid
from shared.operations import Call
from shared.schemas.alerts import ChannelTest
from shared.schemas.base import Schema, Url, Warnings
from shared.schemas.notifications import MAX_RECIPIENTS, Address, Channel, Notifications


class ChannelArguments(Schema):
    """One channel; the others stay."""

    channel: Annotated[Channel, Field(description="Which one")]
    url: Annotated[Url | None, Field(description="Of all but email")] = None
    to: Annotated[
        tuple[Address, ...] | None,
        Field(min_length=1, max_length=MAX_RECIPIENTS, description="Of email: its recipients"),
    ] = None
    enabled: Annotated[bool, Field(description="Whether it is on")] = True
    test: Annotated[bool, Field(description="Send a test message too")] = False
    idempotency_key: Key = None


class ChannelSet(Schema):
    channels: Annotated[Notifications, Field(description="All channels; of a URL only the host is shown")]
    test: Annotated[ChannelTest | None, Field(description="What became of the test message")] = None
    warnings: Warnings = ()


async def _set_channel(call: Call, arguments: ChannelArguments) -> ChannelSet:
    known = await notifications.get(call.redis, call.vault, call.team)
    before = getattr(known, arguments.channel)
    is_email = arguments.channel is Channel.EMAIL
    field, given = ("to", arguments.to) if is_email else ("url", arguments.url)
    other, unused = ("url", arguments.url) if is_email else ("to", arguments.to)
    if unused is not None:
        raise Invalid(other, f"The {other} field does not go with {arguments.channel}; give {field}.")
    if given is None and before is None:
        raise Invalid(field, f"The {field} field is required: {arguments.channel} is not set up yet.")
    value = given if given is not None else getattr(before, field)
    wanted = Notifications.model_validate(
        {**known.model_dump(), arguments.channel: {"enabled": arguments.enabled, field: value}}
    )
    channels = await notifications.put(call, wanted)
    tried = await alerts.tried(call.part(0, "test"), arguments.channel) if arguments.test else None
    return ChannelSet(channels=channels, test=tried, warnings=await cautions.of_channel(call, channels))


TOOLS: tuple[Tool[Any], ...] = (
    Tool(
        "set-alert-channel",
        "Set an alert channel",
        "Set or switch one channel that alerts go to, and try it; the others stay.",
        ChannelArguments,
        ChannelSet,
        _set_channel,
        scope="admin",
        look="get-status",
        is_destructive=True,
        is_idempotent=True,
        operations=("set-notifications", "test-notifications"),
    ),
)
