"""The channels: each is the file of its name, found by the table of them in the settings of a team."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol, cast

from services.worker.http.outgoing import Outgoing
from services.worker.notices.announcement import Announcement
from shared.runtime.mail import Letter
from shared.schemas.notifications import Channel


class Rendering(Protocol):
    """What the file of a channel has."""

    IS_SIGNED: bool
    """Its receiver verifies what the team signs; the channels of others know nothing of that."""

    def rendered(self, announcement: Announcement, settings: Any) -> Outgoing | Letter:
        """What is sent, by the settings that the team gave for this channel."""


def _file_of(channel: Channel) -> Rendering:
    return cast(Rendering, import_module(f"services.worker.notices.{channel}"))


RENDERINGS: Mapping[str, Rendering] = {channel.value: _file_of(channel) for channel in Channel}
