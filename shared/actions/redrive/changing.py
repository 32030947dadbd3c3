"""How a dead letter's request becomes another one; what was sealed for one destination goes to no other."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha1
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from shared.basics.redaction import NOT_JSON, REDACTED, Rules
from shared.errors import Invalid
from shared.schemas.base import MAX_HEADERS
from shared.schemas.dead_letters import ReplayChange
from shared.security.admission import check_no_mask, check_type_of_payload, is_no_json
from shared.security.destinations import origin_of
from shared.security.vault import MASK, Vault, is_sealed, is_secret
from shared.store import stored
from shared.store.keyspace import Team
from shared.store.stored import LAST_OF_SPEC
from shared.store.transitions import ChangedRequest

LONGEST_URL = 2048
MOST_DESTINATIONS = 20
"""For so many servers the secrets of one change are sealed."""
_SERVER = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
_BODIES = ("payload", "payload_json", "body")
_KEY, _TYPE = "idempotency-key", "content-type"
SEALED_BODY = (
    "Not all of its body is shown, and that is sent to no other scheme, host or port: "
    "give change.payload or change.body."
)
MARKED_BODY = (
    f"The body that is given has {REDACTED}, which stands for what is not shown of its own: give it whole."
)
TOO_LONG = f"Its URL would have over {LONGEST_URL} characters."
TOO_MANY = f"It would have over {MAX_HEADERS} headers."
NOT_SEALED = "The new secrets were not sealed for the host that it calls."
UNREADABLE = "What it asked for cannot be read."

Fields = Mapping[str, Any]


class Changed(NamedTuple):
    """The fields of the new spec; `is_new`: receivers must not take it for a repeat of the old request."""

    fields: Fields
    is_new: bool
    dropped: tuple[str, ...]
    """Headers that had secrets for another destination."""


class Unchangeable(NamedTuple):
    """It stays a dead letter, for this reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Change:
    """What is asked for instead, by the fields that were given.

    `sealed` has the secret headers for a server, or nothing if they were not sealed for that one.
    """

    given: Fields
    sealed: Callable[[str], Mapping[str, str] | None]

    def applied(self, before: Fields) -> Changed | Unchangeable:
        """What a request becomes that was stored with these fields."""
        if not isinstance(before.get("url"), str) or not isinstance(before.get("headers") or {}, dict):
            return Unchangeable(UNREADABLE)
        url = self._url(before["url"])
        if len(url) > LONGEST_URL:
            return Unchangeable(TOO_LONG)
        if why := self._keeps_from(before, url):
            return Unchangeable(why)
        after = {**before, "url": url, **self._plain()}
        for name in (*_BODIES, LAST_OF_SPEC) if self.has_body else ():
            after.pop(name, None)
        after |= {name: self.given[name] for name in ("payload", "body") if self.given.get(name) is not None}
        is_new = _asked(before) != _asked(after) or (LAST_OF_SPEC in before and self.has_body)
        kept, dropped = self._kept(before, url, is_new)
        secrets = self.sealed(origin_of(url)) if any(map(is_secret, self.headers)) else {}
        if secrets is None:
            return Unchangeable(NOT_SEALED)
        headers = (
            kept | {name: value for name, value in self.headers.items() if value is not None} | dict(secrets)
        )
        if len(headers) > MAX_HEADERS:
            return Unchangeable(TOO_MANY)
        after = {name: value for name, value in after.items() if value is not None and name != "headers"}
        return Changed(after | ({"headers": headers} if headers else {}), is_new, dropped)

    @property
    def headers(self) -> Mapping[str, str | None]:
        return self.given.get("headers") or {}

    @property
    def has_body(self) -> bool:
        return "payload" in self.given or "body" in self.given

    @property
    def moves(self) -> bool:
        return bool(self.given.get("origin") or self.given.get("url"))

    @property
    def body(self) -> str | None:
        """As a text."""
        payload = self.given.get("payload")
        return self.given.get("body") if payload is None else to_json(payload).decode()

    def is_kept_from(self, rules: Rules) -> bool:
        """Whether the rules name something of it that would be kept in the clear."""
        plain = [name for name, value in self.headers.items() if value is not None and not is_secret(name)]
        return any(map(rules.has, plain)) or rules.text(self.body or "", []) != (self.body or "")

    def _keeps_from(self, before: Fields, url: str) -> str:
        """Why a body of which not all is shown cannot become another one, or go elsewhere."""
        if LAST_OF_SPEC not in before:
            return ""
        if not self.has_body:
            return SEALED_BODY if origin_of(url) != origin_of(before["url"]) else ""
        return MARKED_BODY if any(mark in (self.body or "") for mark in (REDACTED, NOT_JSON)) else ""

    def _url(self, before: str) -> str:
        if origin := self.given.get("origin"):
            return _SERVER.sub(lambda _: origin.rstrip("/"), before, count=1)
        return self.given.get("url") or before

    def _plain(self) -> dict[str, Any]:
        method = {"method": self.given["method"]} if self.given.get("method") else {}
        return method | {name: self.given[name] for name in ("timeout_seconds",) if name in self.given}

    def _kept(self, before: Fields, url: str, is_new: bool) -> tuple[dict[str, str], tuple[str, ...]]:
        """The stored headers that go along, and the names of those whose secrets may not."""
        anew = {name.lower() for name in self.headers}
        kept = {
            name: value for name, value in (before.get("headers") or {}).items() if name.lower() not in anew
        }
        dropped: tuple[str, ...] = ()
        if origin_of(url) != origin_of(before["url"]):
            dropped = tuple(name for name, value in kept.items() if is_sealed(value) or is_secret(name))
        gone = {*dropped, *(name for name, value in kept.items() if self._is_outdated(name, value, is_new))}
        return {name: value for name, value in kept.items() if name not in gone}, dropped

    def _is_outdated(self, name: str, value: str, is_new: bool) -> bool:
        """Whether it was about the request before: its key, or the type of a body that is JSON now."""
        if name.lower() == _KEY:
            return is_new
        return name.lower() == _TYPE and self.given.get("payload") is not None and is_no_json(value)


def of_call(change: ReplayChange, vault: Vault, team: Team) -> Change:
    """As a caller gave it, whose secrets are sealed for each server in turn; raises Invalid."""
    check_no_mask(change.merged, "change.headers")
    if change.payload is not None:
        check_type_of_payload(change.merged, "change.payload")
    secrets = {name: value for name, value in change.merged.items() if value is not None and is_secret(name)}
    given = change.model_dump(mode="json", exclude_unset=True)
    return Change(given, lambda origin: vault.seal_headers(secrets, team.id, origin) if origin else None)


def kept(change: Change, destinations: Iterable[str]) -> str:
    """As it is stored for a replay in the background, which opens no secrets."""
    headers = {name: MASK if value and is_secret(name) else value for name, value in change.headers.items()}
    given = {**change.given, "headers": headers} if headers else change.given
    sealed = {origin: change.sealed(origin) for origin in destinations}
    return to_json({"given": given, "sealed": sealed}).decode()


def of_kept(text: str) -> Change:
    found = from_json(text)
    return Change(found["given"], found["sealed"].get)


def has_secrets(change: ReplayChange) -> bool:
    return any(value is not None and is_secret(name) for name, value in change.merged.items())


class Made(NamedTuple):
    """A request that is sent instead, and the headers that did not go along."""

    request: ChangedRequest
    dropped: tuple[str, ...]


def request(
    job_id: int,
    spec: str,
    change: Change,
    keep: Callable[[Fields], Fields] = lambda fields: fields,
    *,
    rules: str = "",
) -> Made | Unchangeable:
    """What a dead letter is replayed as by rules, of its whole spec; `keep` leaves out what they name."""
    try:
        done = change.applied(stored.read_spec(spec).fields)
    except (ValueError, TypeError, AttributeError):
        return Unchangeable(UNREADABLE)
    if isinstance(done, Unchangeable):
        return done
    text = stored.spec(keep({"method": "POST", **done.fields}))
    was = sha1(spec.encode(), usedforsecurity=False).hexdigest()
    return Made(ChangedRequest(job_id, text, was, done.is_new, rules), done.dropped)


def warnings(dropped: Iterable[str]) -> tuple[str, ...]:
    """What the answer says of secrets that do not go along."""
    names = sorted({name.lower(): name for name in dropped}.values())
    if not names:
        return ()
    return (
        f"What was kept secret for the destination before is not sent to another scheme, host or port: "
        f"{', '.join(names[:MOST_DESTINATIONS])}. Give it anew in change.headers where it is needed.",
    )


def check_destinations(count: int, has_more: bool) -> None:
    """Raise Invalid if secrets would have to be sealed for more servers than are kept."""
    if count > MOST_DESTINATIONS or has_more:
        raise Invalid(
            "change.headers",
            "The change.headers field has a secret, which is sealed for each destination, "
            f"{MOST_DESTINATIONS} at most: choose fewer by search or queue_id, or give change.origin.",
        )


def check_kept(change: Change, rules: Rules) -> None:
    """Raise Invalid if a replay in the background would keep what the rules of a queue name."""
    if change.is_kept_from(rules):
        raise Invalid(
            "change",
            "The change field has what redact rules of its queues name, and a replay in the background would "
            "keep it: give ids alone, with no rate, expected_count or send_one_first: it is sent at once.",
        )


def _asked(fields: Fields) -> tuple[Any, ...]:
    """What a receiver knows a request by, wherever it is and whoever asks."""
    path = _SERVER.sub("", fields["url"], count=1)
    return fields.get("method") or "POST", path or "/", *(fields.get(name) for name in _BODIES)
