"""What every door does with a well-formed request before it is kept: URLs are judged, secrets sealed."""

import re
from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, TypeVar, cast

from pydantic import BaseModel

from shared.errors import Invalid
from shared.schemas.base import Schema
from shared.schemas.jobs import JobSpec
from shared.schemas.marks import Mark, replaced
from shared.security.addresses import Policy, Refusal
from shared.security.destinations import Destinations, origin_of
from shared.security.limits import Limits
from shared.security.vault import MASK, Vault, is_secret
from shared.store.keyspace import Team

S = TypeVar("S", bound=Schema)

_NO_JSON = re.compile(
    r"\s*(application/x-www-form-urlencoded|multipart/|(application|text)/xml|text/(html|csv))", re.IGNORECASE
)


class _Addressed(Protocol):
    """What has headers names where they go."""

    url: str


@dataclass(frozen=True, slots=True)
class Admission:
    """The rules of this installation that a request's own schema cannot know."""

    policy: Policy
    vault: Vault
    limits: Limits | None = None
    """Those of the token whose request it is."""
    _destination: Destinations = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_destination", Destinations(self.policy))

    def within(self, limits: Limits | None) -> "Admission":
        """The same for requests of a token with these limits."""
        if limits is None:
            return self
        limited = copy(self)
        object.__setattr__(limited, "limits", limits)
        return limited

    def admit(self, team: Team, wanted: S) -> S:
        """What may be kept of it; raises Invalid, or Forbidden for what the token may not reach.

        URLs and headers are found by the marks of their types. Changes of headers stay open: `crons.update`
        knows for which URL they are to be sealed.
        """
        replaced(wanted, Mark.URL, self._judged)
        if isinstance(wanted, JobSpec):
            _check_one_body(wanted)
            if self.limits:
                self.limits.check_queue(wanted.queue, "queue")
        return replaced(wanted, Mark.HEADERS, partial(self._sealed, team))

    def _judged(self, url: str, place: str, _within: BaseModel) -> str:
        """As it is; raises Invalid if nothing would ever be sent there, as far as its name tells that."""
        if not url:
            return url
        try:
            self._destination(url)
        except Refusal as refusal:
            raise Invalid(place, f"The {place} field cannot be called. {refusal}") from None
        if self.limits:
            self.limits.check_url(url, place)
        return url

    def _sealed(
        self, team: Team, headers: Mapping[str, str], place: str, within: BaseModel
    ) -> Mapping[str, str]:
        if not headers:
            return headers
        check_no_mask(headers, place)
        return self.vault.seal_headers(headers, team.id, origin_of(cast(_Addressed, within).url))


def _check_one_body(job: JobSpec) -> None:
    if job.payload is None:
        return
    if job.body is not None:
        raise Invalid("body", "The body field must not be given beside payload: send one of them.")
    check_type_of_payload(job.headers or {}, "payload")


def check_type_of_payload(headers: Mapping[str, str | None], place: str) -> None:
    """Raise Invalid if the headers say that a payload is something else than JSON."""
    said = next((value for name, value in headers.items() if name.lower() == "content-type"), "") or ""
    if is_no_json(said):
        raise Invalid(
            place,
            f"The {place} field is sent as JSON, which is not {said[:80]}: "
            "give the text as body instead, or leave that Content-Type out.",
        )


def is_no_json(content_type: str) -> bool:
    return bool(_NO_JSON.match(content_type))


def check_no_mask(headers: Mapping[str, str | None], place: str) -> None:
    """A change may give the mask back for what stays as it is; anything new needs its value."""
    for name, value in headers.items():
        if value == MASK and is_secret(name):
            raise Invalid(place, f"The {place} field has {MASK} for {name}, which only stands for a secret.")
