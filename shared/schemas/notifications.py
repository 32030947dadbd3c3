"""The channels that carry a team's alerts."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, Field

from shared.schemas.base import Schema, Url

MAX_RECIPIENTS = 50

# What a mail server accepts, and nothing that could be a second address or header.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\Z")


def _check_address(text: str) -> str:
    if len(text) > 254 or not _ADDRESS.match(text):
        raise ValueError("must be an e-mail address such as ops@example.com")
    return text


Address = Annotated[str, AfterValidator(_check_address)]


class Email(Schema):
    enabled: bool = True
    to: Annotated[tuple[Address, ...], Field(min_length=1, max_length=MAX_RECIPIENTS)]


class Hook(Schema):
    """A webhook of Slack, of Discord or of your own; its URL is a secret, shown without its path."""

    enabled: bool = True
    url: Url


class Channel(StrEnum):
    EMAIL = "email"
    SLACK = "slack"
    DISCORD = "discord"
    WEBHOOK = "webhook"


class ChannelWords(NamedTuple):
    """What people are told of a channel whatever it is set to."""

    name: str
    place: str
    """The same after `to`, within a sentence."""
    what: str
    label: str
    """Of the field of its address."""
    hint: str
    """Beside that field."""


CHANNELS: Mapping[Channel, ChannelWords] = {
    Channel.EMAIL: ChannelWords(
        "E-mail",
        "e-mail",
        "A letter to up to 50 people, through the mail server of this installation.",
        "Recipients",
        "Addresses with commas between.",
    ),
    Channel.SLACK: ChannelWords(
        "Slack",
        "Slack",
        "A message by an incoming webhook of your workspace.",
        "URL of the webhook",
        "As https://hooks.slack.com/services/…",
    ),
    Channel.DISCORD: ChannelWords(
        "Discord",
        "Discord",
        "A message by a webhook of a Discord channel.",
        "URL of the webhook",
        "As https://discord.com/api/webhooks/…",
    ),
    Channel.WEBHOOK: ChannelWords(
        "Webhook",
        "your webhook",
        "The alert as JSON to a URL of yours, signed if the team has a secret.",
        "URL",
        "Gets alert.failure, alert.recovery, alert.limit_warning and alert.storage_warning.",
    ),
}
"""In the order of the page that sets them."""


class Notifications(Schema):
    """At most one of each `Channel`, by its name; null for none."""

    email: Email | None = None
    slack: Hook | None = None
    discord: Hook | None = None
    webhook: Hook | None = None
