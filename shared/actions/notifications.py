"""What a caller can do to the channels that carry a team's alerts."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args
from urllib.parse import urlsplit

from pydantic_core import from_json
from redis.asyncio import Redis

from shared.actions import audit, team_settings
from shared.actions.team_settings import Change
from shared.errors import Invalid
from shared.operations import Call
from shared.schemas.notifications import Channel, Email, Hook, Notifications
from shared.security.vault import MASK, Vault
from shared.store import keyspace
from shared.store.keyspace import Team
from shared.store.transitions import Setting

_FIELD = "notifications"
HOOKS: Mapping[str, type[Hook]] = {
    name: kind
    for name, field in Notifications.model_fields.items()
    for kind in get_args(field.annotation)
    if issubclass(kind, Hook)
}
"""The channels that are a URL, and what each has beside it."""


async def put(call: Call, wanted: Notifications) -> Notifications:
    """Set all channels at once; a URL that was read masked and is sent back stays as it was."""
    vault, team = call.vault, call.team
    if call.limits and wanted.email:
        for number, address in enumerate(wanted.email.to):
            call.limits.check_mail(address, f"email.to.{number}")

    def changed(stored: Sequence[str | None]) -> Change:
        kept = _read(stored[0])
        sealed = wanted.model_copy(
            update={name: _sealed(name, wanted, kept, (vault, team)) for name in HOOKS}
        )
        enabled = [channel for channel in Channel if (of := getattr(wanted, channel)) and of.enabled]
        settings = [Setting(_FIELD, sealed.model_dump_json()), Setting("channels", " ".join(enabled))]
        shown = (_shown(_opened(each, vault, team)) for each in (kept, sealed))
        return Change(settings, audit.changes(*shown))

    return _shown(_opened(_read(await team_settings.change(call, [_FIELD], changed)), vault, team))


async def show(call: Call) -> Notifications:
    """The channels with their secrets masked."""
    (text,) = await team_settings.show(call, _FIELD)
    return _shown(_opened(_read(text), call.vault, call.team))


async def get(redis: Redis, vault: Vault, team: Team) -> Notifications:
    """The channels with their secrets masked."""
    return _shown(await opened_of(redis, vault, team))


def _shown(opened: Notifications) -> Notifications:
    shown = {
        name: hook.model_copy(update={"url": _masked(hook.url)})
        for name in HOOKS
        if (hook := getattr(opened, name))
    }
    return opened.model_copy(update=shown)


async def check_reach(call: Call, channel: Channel) -> None:
    """Raise Forbidden if the token may not have a message sent through the channel."""
    if call.limits is None:
        return
    known = await get(call.redis, call.vault, call.team)
    if channel == Channel.EMAIL:
        for address in known.email.to if known.email else ():
            call.limits.check_mail(address)
        return
    hook: Hook | None = getattr(known, channel)
    call.may_reach(hook.url if hook else None)


async def has_channel(redis: Redis, team: Team) -> bool:
    """Whether an alert would be sent to anybody."""
    return bool(await redis.hget(keyspace.team_settings(team), "channels"))  # type: ignore[misc]


async def opened_of(redis: Redis, vault: Vault, team: Team) -> Notifications:
    """The channels with their secrets, for sending; raises Unsealable."""
    return _opened(await _stored(redis, team), vault, team)


def _opened(stored: Notifications, vault: Vault, team: Team) -> Notifications:
    opened = {
        name: hook.model_copy(update={"url": vault.open(hook.url, team.id, "channel", name)})
        for name in HOOKS
        if (hook := getattr(stored, name))
    }
    return stored.model_copy(update=opened)


def _sealed(name: str, wanted: Notifications, kept: Notifications, place: tuple[Vault, Team]) -> Hook | None:
    hook: Hook | None = getattr(wanted, name)
    before: Hook | None = getattr(kept, name)
    vault, team = place
    if hook is None:
        return None
    if MASK in hook.url:
        if before is None or hook.url != _masked(vault.open(before.url, team.id, "channel", name)):
            raise Invalid(
                f"{name}.url", f"The {name}.url field has {MASK}, which only stands for the URL shown."
            )
        return hook.model_copy(update={"url": before.url})
    return hook.model_copy(update={"url": vault.seal(hook.url, team.id, "channel", name)})


def _masked(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/{MASK}"


async def _stored(redis: Redis, team: Team) -> Notifications:
    return _read(await redis.hget(keyspace.team_settings(team), _FIELD))  # type: ignore[misc]


def _read(text: str | None) -> Notifications:
    """The channels by name, each None if it is missing: another version may have known other channels.

    Hooks are not checked again, as the check would refuse a sealed URL.
    """
    stored = from_json(text) if text else {}
    hooks: dict[str, Any] = {
        name: kind.model_construct(**given) for name, kind in HOOKS.items() if (given := stored.get(name))
    }
    given = stored.get(Channel.EMAIL)
    email = Email.model_validate(given, extra="ignore") if given else None
    return Notifications.model_construct(None, email=email, **{name: hooks.get(name) for name in HOOKS})
