"""What a caller can do to the secrets that sign a team's requests: the newest, and for a while one before.

They are stored in one text, which claim returns to the worker: the newest secret, sealed; after a space the
one before, sealed; and after another space until when that is valid (ms).
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from redis.asyncio import Redis

from shared import clock
from shared.actions import team_settings
from shared.actions.team_settings import Change
from shared.errors import Conflict, Invalid
from shared.operations import Call
from shared.schemas.teams import SignatureCheck, SignatureQuery, Signing, SigningSecret
from shared.security import differences, signing
from shared.security.differences import Arrived, Secret
from shared.security.vault import Vault
from shared.store import keyspace, moments, transitions
from shared.store.keyspace import Team
from shared.store.transitions import Setting

_FIELD = "signing"
HOUR_MILLISECONDS = 3_600_000
_ENDED = "It was signed with the secret before, which is not valid any more"
_NOT_OURS = "It was signed with the secret that was given, which is none of this team."
_OTHER = "It was signed with a secret of this team, but not with the one that was given: that is another."


async def rotate(call: Call, keep_hours: int) -> SigningSecret:
    """Make a secret; the one before stays valid beside it for so many hours, or goes at once with 0.

    A repeat under the key returns the secret that was made, which is remembered, sealed, with the key.
    """
    redis, team = call.redis, call.team
    now = await moments.now(redis, team.shard)
    before = await _stored(redis, team)
    secret = signing.new_secret()
    kept, until = before.partition(" ")[0], clock.milliseconds(now) + keep_hours * HOUR_MILLISECONDS
    stored = call.vault.seal(secret, team.id, _FIELD)
    if kept and keep_hours:
        stored = f"{stored} {kept} {until}"
    made = await transitions.rotate_signing(
        redis, team, before=before or None, after=stored, write=call.write()
    )
    if not made:
        raise Conflict(
            "Somebody else made a signing secret at the same moment; look before you make another."
        )
    opened = call.vault.open(_parts(made)[0], team.id, _FIELD)
    return SigningSecret(secret=opened, previous_valid_until=_until(made))


async def state(call: Call) -> Signing:
    (stored,) = await team_settings.show(call, _FIELD)
    stored = stored or ""
    return Signing(is_enabled=bool(stored), previous_valid_until=_until(stored))


async def remove(call: Call) -> None:
    """Sign no more."""
    call.may_delete()
    await team_settings.change(call, [_FIELD], lambda _: Change([Setting(_FIELD, None)]))


async def check(call: Call, query: SignatureQuery) -> SignatureCheck:
    """Which parts of a received request are as they were signed; raises Invalid."""
    now = await moments.now(call.redis, call.team.shard)
    secrets = _candidates(call, await _stored(call.redis, call.team), now)
    if query.secret:
        secrets = _beside(secrets, query.secret)
    headers = {name.lower(): value for name, value in query.headers.items()}
    arrived = Arrived(headers, query.body.encode())
    return differences.compared(arrived, secrets, clock.milliseconds(now) / 1000)


def _candidates(call: Call, stored: str, now: datetime) -> list[Secret]:
    """The newest secret and the one before, whether that is valid still or not."""
    if not stored:
        return []
    newest, *before = (call.vault.open(sealed, call.team.id, _FIELD) for sealed in _parts(stored)[:2])
    until = _until(stored)
    ended = until is not None and until <= now
    wrong = f"{_ENDED}, since {until:%Y-%m-%d %H:%M} UTC." if ended else ""
    return [Secret(newest), *(Secret(one, wrong) for one in before)]


def _beside(secrets: Sequence[Secret], given: str) -> list[Secret]:
    """With the one that the receiver has: all others are wrong for it, which checks with that alone."""
    try:
        signing.decoded(given)
    except ValueError:
        raise Invalid("secret", "The secret field must be whsec_ and base64 after it.") from None
    own = [secret for secret in secrets if secret.text == given] or [Secret(given, _NOT_OURS)]
    others = [Secret(one.text, one.wrong or _OTHER) for one in secrets if one.text != given]
    return [*own, *others]


def secrets_of(vault: Vault, team: int, stored: str, now_ms: int) -> Sequence[str]:
    """The secrets that are valid at `now_ms`, newest first; raises Unsealable."""
    newest, *before = _parts(stored)
    valid = [newest, *before[:1]] if before and now_ms < int(before[1]) else [newest]
    return [vault.open(sealed, team, _FIELD) for sealed in valid]


@lru_cache(1024)
def _parts(stored: str) -> Sequence[str]:
    return stored.split(" ")


async def _stored(redis: Redis, team: Team) -> str:
    return await redis.hget(keyspace.team_settings(team), _FIELD) or ""  # type: ignore[misc]


def _until(stored: str) -> datetime | None:
    parts = stored.split(" ")
    return clock.moment(parts[2]) if len(parts) > 1 else None
