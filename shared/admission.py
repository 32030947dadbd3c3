"""What every door does with a well-formed request before it is kept: URLs are judged, secrets sealed."""

import re
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar, cast

from shared.addresses import Destination, Policy, Refusal, destination, origin_of
from shared.errors import Invalid
from shared.keyspace import Team
from shared.memory import MEBIBYTE, Remembered
from shared.schemas.base import Schema
from shared.schemas.crons import CronAsked, CronChanged
from shared.schemas.jobs import JobAsked
from shared.vault import MASK, Vault, is_secret

S = TypeVar("S", bound=Schema)

_NO_JSON = re.compile(
    r"\s*(application/x-www-form-urlencoded|multipart/|(application|text)/xml|text/(html|csv))", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Admission:
    """The rules of this installation that a request's own schema cannot know."""

    policy: Policy
    vault: Vault
    _destination: Remembered[str, Destination] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        known = Remembered(partial(destination, self.policy), 4 * MEBIBYTE, per_byte=6)
        object.__setattr__(self, "_destination", known)

    def admit(self, team: Team, asked: S) -> S:
        """What may be kept of it; raises Invalid. What is no cron or job is left as it is.

        A change of a cron keeps its secrets open: `crons.update` knows for which URL they are to be sealed.
        """
        if not isinstance(asked, JobAsked | CronAsked):
            return asked
        self.check_url("url", asked.url)
        self.check_url("callback_url", asked.callback_url)
        if isinstance(asked, JobAsked):
            _check_one_body(asked)
        if not asked.headers or isinstance(asked, CronChanged):
            return asked
        _check_no_mask(asked)
        sealed = self.vault.seal_headers(asked.headers, team.id, origin_of(asked.url))
        return cast(S, asked.model_copy(update={"headers": sealed}))

    def check_url(self, field: str, url: str | None) -> None:
        """Raises Invalid if nothing would ever be sent there, as far as no look-up of its name tells that."""
        if not url:
            return
        try:
            self._destination(url)
        except Refusal as refusal:
            raise Invalid(field, f"The {field} field cannot be called. {refusal}") from None


def _check_one_body(job: JobAsked) -> None:
    if job.payload is None:
        return
    if job.body is not None:
        raise Invalid("body", "The body field must not be given beside payload: send one of them.")
    said = next((value for name, value in (job.headers or {}).items() if name.lower() == "content-type"), "")
    if _NO_JSON.match(said):
        raise Invalid(
            "payload",
            f"The payload field is sent as JSON, which is not {said[:80]}: "
            "give the text as body instead, or leave that Content-Type out.",
        )


def _check_no_mask(asked: JobAsked | CronAsked) -> None:
    """A change may give the mask back for what stays as it is; anything new needs its value."""
    for name, value in (asked.headers or {}).items():
        if value == MASK and is_secret(name):
            raise Invalid(
                "headers", f"The headers field has {MASK} for {name}, which only stands for a secret."
            )
