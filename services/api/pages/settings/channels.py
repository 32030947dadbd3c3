"""Settings, Notifications: the channels of alerts, each with a test and what became of its messages."""

from collections.abc import Sequence
from typing import NamedTuple

from starlette.responses import Response

from services.api.pages.endpoint import IN_PLACE, page, to
from services.api.pages.forms import Form, errors_of, listed, parsed
from services.api.pages.settings.shell import CHANGED, path_of, seen, settings_page, version_of
from services.api.pages.shell import Question, confirm_page
from services.api.pages.visits import Visit
from shared.actions import alerts, notifications
from shared.errors import Conflict, NotFound, Stale
from shared.operations import Versions
from shared.schemas.alerts import Alert, AlertNotice, AlertQuery, ChannelTest
from shared.schemas.notices import NoticeStatus
from shared.schemas.notifications import CHANNELS, Channel, ChannelWords, Email, Hook, Notifications
from shared.security.sessions import Signed

SECTION = "notifications"
PATH = f"/t/{{team}}/settings/{SECTION}"
ONE = f"{PATH}/{{channel}}"
TO, HOOK = "to", "hook"
"""The fields of an address: recipients, or a URL, which no page shows again."""
LOOKED_AT, MOST_SHOWN = 100, 5
"""Alerts that are looked through for messages, and messages of a channel that are shown."""


class Message(NamedTuple):
    """An alert on its way through a channel."""

    alert: Alert
    notice: AlertNotice


class Tried(NamedTuple):
    """A test message, and the key of the form that sent it, by which it is looked at again."""

    test: ChannelTest
    once: str


class Card(NamedTuple):
    """A channel, as the page shows it."""

    channel: Channel
    words: ChannelWords
    is_set: bool
    is_on: bool
    address: str
    """Recipients, or a URL without what is secret of it."""
    messages: Sequence[Message]
    form: Form
    test: ChannelTest | None


async def index(visit: Visit) -> Response:
    return await _index(visit, await visit.in_team())


async def save(visit: Visit, form: Form) -> Response:
    """Set one channel as the page showed all of them; a URL that is left empty stays as it is."""
    signed, channel = await visit.as_admin(), _channel(visit)
    call = visit.call(signed, "set-notifications", versions=seen(form))
    try:
        known = await notifications.show(visit.call(signed, "get-notifications"))
        await notifications.put(call, _with(known, channel, form))
    except Stale:
        return await _index(visit, signed, channel, Form(_without(form), {"": CHANGED}), status=409)
    except IN_PLACE as error:
        field = TO if channel == Channel.EMAIL else HOOK
        wrong = {field if name in (channel, "") else name: text for name, text in errors_of(error).items()}
        return await _index(visit, signed, channel, form.wrong(wrong), status=422)
    return to(f"{path_of(signed, SECTION)}#{channel}")


async def test(visit: Visit, form: Form) -> Response:
    """Send a message and show what came back; the same form sent again looks for that one's outcome."""
    signed, channel = await visit.as_admin(), _channel(visit)
    try:
        found = await alerts.tried(visit.call(signed, "test-notifications", form.once, channel), channel)
    except IN_PLACE as error:
        return await _index(visit, signed, channel, Form({}, {"": str(error)}), status=422)
    return await _index(visit, signed, tried=Tried(found, form.once))


async def ask_remove(visit: Visit) -> Response:
    signed, channel = await visit.as_admin(), _channel(visit)
    question = Question(
        f"Remove {CHANNELS[channel].name}?",
        "Alerts do not go there any more, and its address is forgotten. Switched off it would be kept.",
        "Remove",
    )
    return await confirm_page(visit, signed, question, section=SECTION, back=path_of(signed, SECTION))


async def remove(visit: Visit, form: Form) -> Response:
    signed, channel = await visit.as_admin(), _channel(visit)
    looked = visit.call(signed, "get-notifications")
    known = await notifications.show(looked)
    seen_now = Versions(frozenset((version_of(looked),)))
    call = visit.call(signed, "set-notifications", form.once, channel, versions=seen_now)
    try:
        await notifications.put(call, known.model_copy(update={channel: None}))
    except Stale:
        raise Conflict(
            "Somebody else changed settings of the team at this moment; remove it again."
        ) from None
    return to(path_of(signed, SECTION))


def _channel(visit: Visit) -> Channel:
    name = visit.request.path_params["channel"]
    if name not in {*Channel}:
        raise NotFound("Channel")
    return Channel(name)


def _with(known: Notifications, channel: Channel, form: Form) -> Notifications:
    """All channels with this one as it was typed; raises Refused."""
    before: Email | Hook | None = getattr(known, channel)
    if channel == Channel.EMAIL:
        address: dict[str, object] = {"to": listed(form.get(TO)) or ()}
    else:
        address = {"url": form.get(HOOK).strip() or (before.url if isinstance(before, Hook) else "")}
    wanted = {**known.model_dump(), channel: {**address, "enabled": form.has("enabled")}}
    return parsed(Notifications, wanted)


def _without(form: Form) -> dict[str, str]:
    return {name: text for name, text in form.fields.items() if name != HOOK}


async def _index(
    visit: Visit,
    signed: Signed,
    channel: Channel | None = None,
    form: Form | None = None,
    *,
    tried: Tried | None = None,
    status: int = 200,
) -> Response:
    """All channels; one of them with what was typed."""
    call = visit.call(signed, "get-notifications")
    known = await notifications.show(call)
    found = await alerts.page(call.redis, call.team, AlertQuery(per_page=LOOKED_AT))
    cards = [_card(one, known, found.data, form if one == channel else None, tried) for one in CHANNELS]
    return await settings_page(
        visit,
        signed,
        SECTION,
        "channels/index.html",
        status,
        title=_title(cards),
        cards=cards,
        version=version_of(call),
        once_of_test=tried.once if tried else "",
    )


def _card(
    channel: Channel, known: Notifications, found: Sequence[Alert], typed: Form | None, tried: Tried | None
) -> Card:
    setting: Email | Hook | None = getattr(known, channel)
    address = ", ".join(setting.to) if isinstance(setting, Email) else setting.url if setting else ""
    shown = {TO: address} if channel == Channel.EMAIL else {}
    if setting is None or setting.enabled:
        shown["enabled"] = "on"
    return Card(
        channel,
        CHANNELS[channel],
        is_set=setting is not None,
        is_on=setting is not None and setting.enabled,
        address=address,
        messages=_messages(channel, found),
        form=typed or Form(shown),
        test=tried.test if tried and tried.test.channel == channel else None,
    )


def _messages(channel: Channel, found: Sequence[Alert]) -> list[Message]:
    """The newest of a channel."""
    of_it = (Message(one, notice) for one in found for notice in one.deliveries if notice.channel == channel)
    return [message for message, _ in zip(of_it, range(MOST_SHOWN), strict=False)]


def _title(cards: Sequence[Card]) -> str:
    """Who is told: the answer first."""
    on = [card for card in cards if card.is_on]
    failing = [card.words.place for card in on if _is_failing(card)]
    if failing:
        return f"Alerts do not reach {_and(failing)}"
    return f"Alerts go to {_and([card.words.place for card in on])}" if on else "Alerts go to nobody"


def _is_failing(card: Card) -> bool:
    """Whether its last message did not arrive, test messages of just now included."""
    last = card.test.status if card.test else card.messages[0].notice.status if card.messages else None
    return last in (NoticeStatus.FAILED, NoticeStatus.RETRYING)


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


routes = [
    page(PATH, index),
    page(ONE, send=save),
    page(f"{ONE}/test", send=test),
    page(f"{ONE}/remove", ask_remove, remove),
]
