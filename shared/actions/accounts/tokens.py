"""What a caller can do to the tokens of the team."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog
from pydantic import ValidationError

from shared import clock
from shared.actions import audit
from shared.basics import token_text, words
from shared.errors import Conflict, Damaged, Forbidden, Invalid, NotFound
from shared.operations import Call
from shared.schemas.accounts.tokens import Token, TokenCreate, TokenCreated, TokenLimits, TokenUpdate
from shared.schemas.base import STORED, Page, PageQuery
from shared.security import limits, tokens
from shared.security.caller import ID_DIGITS, limits_of
from shared.store import keyspace, moments, records, transitions
from shared.store.records import Fields
from shared.store.transitions import NewToken, SavedToken, StoredToken, TokenFields

_ATTEMPTS = 5
_BUSY = "The token is being changed by others; try again."
_ACCOUNTS = keyspace.prefix(keyspace.GLOBAL)
_REFUSED = "refused:"

log = structlog.get_logger()


async def create(call: Call, wanted: TokenCreate) -> TokenCreated:
    """Make a token that may do no more than the caller's; a repeat under the key shows the same one again."""
    _check_counts(call)
    _check_gift(call, wanted)
    if done := await _recalled(call):
        return _shown_once(call, SavedToken(*done))
    await tokens.adopt(call.redis)
    now = await moments.now(call.redis, keyspace.SHARDS[0])
    _check_expiry(wanted, now_ms := clock.milliseconds(now))
    text = token_text.new()
    saved = await transitions.create_token(
        call.redis,
        team=call.team.id,
        fields=_fields_of(wanted),
        new=_new(call, text),
        created_by=call.actor,
        now_ms=now_ms,
        write=call.write(audit.changes(None, wanted)),
    )
    if isinstance(saved, str):
        raise tokens.refused(saved)
    return _shown_once(call, saved)


async def page(call: Call, query: PageQuery) -> Page[Token]:
    """Tokens newest first; a search looks in the name."""
    await tokens.adopt(call.redis)
    rows = await transitions.read_tokens(call.redis, team=call.team.id)
    newest_first = sorted(rows, key=lambda row: row.id, reverse=True)
    found = [
        token
        for token in _readable(newest_first)
        if query.search is None or words.contains(query.search, token.name)
    ]
    first = (query.page - 1) * query.per_page
    return Page(
        data=found[first : first + query.per_page],
        current_page=query.page,
        last_page=max(1, -(-len(found) // query.per_page)),
        per_page=query.per_page,
        total=len(found),
    )


async def expiring(call: Call, within: timedelta) -> list[Token]:
    """Those that expire within so long from now, the newest first; most never do."""
    now = await moments.now(call.redis, keyspace.SHARDS[0])
    rows = await transitions.read_tokens(call.redis, team=call.team.id)
    ends = [row for row in rows if "expires_at" in records.fields_of(row.fields).get("limits", "")]
    found = [one for one in _readable(ends) if one.expires_at and now < one.expires_at < now + within]
    return sorted(found, key=lambda one: one.id, reverse=True)


async def get(call: Call, token_id: int) -> Token:
    return _token(*await _read(call, token_id))


async def get_with_version(call: Call, token_id: int) -> tuple[Token, str]:
    """The same, and its version, which counts its changes."""
    row = await _read(call, token_id)
    return _token(*row), _version_of(row)


async def update(call: Call, token_id: int, changes: TokenUpdate) -> Token:
    """Change the given fields; they hold for calls from 5 s later on at the latest.

    Raises Stale if it has another version than those that the call wants.
    """
    if done := await _recalled(call):
        return _token(*SavedToken(*done)[:4])
    given = {name: getattr(changes, name) for name in changes.model_fields_set}
    for _ in range(_ATTEMPTS):
        row = await _read(call, token_id)
        call.versions.check(_version_of(row))
        before = _settings_of(row)
        wanted = before.model_copy(update=given)
        _check_gift(call, wanted)
        if "expires_at" in given:
            _check_expiry(wanted, clock.milliseconds(await moments.now(call.redis, keyspace.SHARDS[0])))
        saved = await transitions.change_token(
            call.redis,
            team=call.team.id,
            token=token_id,
            version=_version_of(row),
            fields=_fields_of(wanted),
            write=call.write(audit.changes(before, wanted)),
        )
        if saved == "taken":
            raise tokens.refused(saved)
        if saved is None:
            raise NotFound("Token")
        if isinstance(saved, SavedToken):
            return _token(*saved[:4])
    raise Conflict(_BUSY)


async def regenerate(call: Call, token_id: int) -> TokenCreated:
    """Put a new token in the place of this one, which is refused after 5 s at the latest.

    It is the caller's from then on: with that of another it could do what only the other may.
    """
    _check_counts(call)
    if done := await _recalled(call):
        return _shown_once(call, SavedToken(*done))
    text = token_text.new()
    for _ in range(_ATTEMPTS):
        row = await _read(call, token_id)
        _check_gift(call, _settings_of(row))
        saved = await transitions.renew_token(
            call.redis,
            team=call.team.id,
            token=token_id,
            version=_version_of(row),
            new=_new(call, text),
            write=call.write(),
        )
        if saved is None:
            raise NotFound("Token")
        if saved != "stale":
            return _shown_once(call, saved)
    raise Conflict(_BUSY)


async def delete(call: Call, token_id: int) -> None:
    """Delete a token; it is refused after 5 s at the latest."""
    call.may_delete()
    await _recalled(call)
    for _ in range(_ATTEMPTS):
        rows = await transitions.read_tokens(call.redis, team=call.team.id, ids=[token_id])
        # It may be done, under the caller's key.
        version, gone = (_version_of(rows[0]), _gone(rows[0])) if rows else (None, None)
        deleted = await transitions.delete_token(
            call.redis, team=call.team.id, token=token_id, version=version, write=call.write(gone)
        )
        if deleted:
            return
        if deleted is not None:
            raise NotFound("Token")
    raise Conflict(_BUSY)


async def _recalled(call: Call) -> Any:
    """What was done under the key; raises Conflict if that was something else, also with other records."""
    await transitions.recall(call.redis, call.key)
    return await transitions.recall(call.redis, call.key, prefix=_ACCOUNTS)


def _check_counts(call: Call) -> None:
    """Raise Forbidden for a token whose calls or runs are counted: those of another one begin anew."""
    if call.limits and call.limits.is_counted:
        sentence = "A token whose calls or runs have a limit cannot make or regenerate tokens."
        raise Forbidden(sentence, "counts")


def _check_gift(call: Call, wanted: TokenCreate) -> None:
    """Raise Forbidden if that token may do what the caller's may not."""
    if not limits.may_give(call.caller.scopes, wanted.scopes):
        raise Forbidden("A token cannot give another a scope beyond its own.", field="scopes")
    if call.limits:
        call.limits.check_gift(wanted)


def _readable(rows: Sequence[StoredToken]) -> Iterator[Token]:
    """Those that can be used; `recuro token list` shows the others too."""
    for row in rows:
        try:
            yield _token(*row)
        except Damaged as error:
            log.error("record_left_out", noun="token", id=row.id, why=str(error))


def _check_expiry(wanted: TokenCreate, now_ms: int) -> None:
    if wanted.expires_at and clock.milliseconds(wanted.expires_at) <= now_ms:
        raise Invalid("expires_at", "The expires_at field must be later than now.")


def _new(call: Call, text: str) -> NewToken:
    """What is kept of the token; itself only sealed, for whoever repeats the call."""
    sealed = call.vault.seal(text, call.team.id, "token")
    return NewToken(tokens.digest_of(text), text[-token_text.SHOWN :], sealed, call.caller.user)


def _fields_of(wanted: TokenCreate) -> TokenFields:
    given = wanted.model_dump_json(include=set(TokenLimits.model_fields), exclude_defaults=True)
    return TokenFields(wanted.name, ",".join(wanted.scopes), given)


async def _read(call: Call, token_id: int) -> StoredToken:
    rows = await transitions.read_tokens(call.redis, team=call.team.id, ids=[token_id])
    if not rows:
        raise NotFound("Token")
    return rows[0]


def _version_of(row: StoredToken) -> str:
    return records.fields_of(row.fields).get("version", "")


def _settings_of(row: StoredToken) -> TokenCreate:
    """What it may do; raises Damaged."""
    fields = records.fields_of(row.fields)
    given = {
        "name": fields.get("name"),
        "scopes": fields.get("scopes", "").split(","),
        **dict(limits_of(fields)),
    }
    try:
        return TokenCreate.model_validate(given, context=STORED)
    except ValidationError as error:
        raise Damaged("its scopes cannot be read", f"The record of token {row.id}") from error


def _gone(row: StoredToken) -> str | None:
    """What the audit trail says of a token that goes, also of one that nobody can use."""
    try:
        return audit.changes(_settings_of(row), None)
    except Damaged:
        return None


def _token(token_id: int, digest: str, flat: Sequence[str], use: Sequence[str]) -> Token:
    row, used = StoredToken(token_id, digest, flat, use), records.fields_of(use)
    fields = records.fields_of(flat)
    return Token(**dict(_settings_of(row)), **_known(token_id, digest, fields), **_used(used))


def _known(token_id: int, digest: str, fields: Fields) -> dict[str, Any]:
    return {
        "id": token_id,
        "last_four": fields.get("last_four", ""),
        "fingerprint": digest[:ID_DIGITS],
        "created_at": records.instant(fields, "created"),
        "created_by": fields.get("created_by", ""),
        "user_id": int(fields["user"]) if fields.get("user") else None,
    }


def _used(used: Mapping[str, str]) -> dict[str, Any]:
    return {
        "last_used_at": clock.moment(used["used_at"]) if "used_at" in used else None,
        "last_used_by": used.get("used_by"),
        "last_used_from": used.get("used_from"),
        "refused": {
            name.removeprefix(_REFUSED): int(count)
            for name, count in sorted(used.items())
            if name.startswith(_REFUSED)
        },
    }


def _shown_once(call: Call, saved: SavedToken) -> TokenCreated:
    """Raises Forbidden for what another token made under the same key, and this one may not have."""
    _check_gift(call, _settings_of(StoredToken(*saved[:4])))
    text = call.vault.open(saved.sealed, call.team.id, "token")
    return TokenCreated(**dict(_token(*saved[:4])), token=text)
