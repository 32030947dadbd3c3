"""What a team sets for itself: limits on its requests, secrets that sign them, what is not kept of them."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from shared.basics import redaction
from shared.schemas.base import NO_BOOL, STORED, Instant, Schema

MAX_RULES = 20


def _check_rule(rule: str, info: ValidationInfo) -> str:
    return rule if info.context is STORED else redaction.check(rule)


Redact = Annotated[
    tuple[Annotated[str, Field(max_length=255), AfterValidator(_check_rule)], ...],
    Field(max_length=MAX_RULES, description="Fields that are not kept, as headers.X-Session, body.**.pin"),
]
"""Rules of `shared.basics.redaction`."""
Requests = Annotated[int, Field(ge=0, le=10**12), NO_BOOL] | None


class MonthlyLimits(Schema):
    """Requests of jobs and crons a calendar month, in UTC; null is unlimited."""

    monthly_request_limit: Annotated[Requests, Field(description="Nothing is sent beyond it")] = None
    soft_limit: Annotated[Requests, Field(description="Passing it sends a warning, once a month")] = None

    @model_validator(mode="after")
    def _soft_below_hard(self) -> "MonthlyLimits":
        soft, hard = self.soft_limit, self.monthly_request_limit
        if soft is not None and hard is not None and soft > hard:
            raise ValueError("The soft_limit field must not be above monthly_request_limit")
        return self


class Usage(MonthlyLimits):
    """The limits, and the requests of this month and of the months before, newest first."""

    month: str
    requests: int
    resets_at: Instant
    months: dict[str, int]


class SigningSecretCreate(Schema):
    keep_hours: Annotated[
        int,
        Field(ge=0, le=720, description="How long the secret before stays valid beside the new one"),
        NO_BOOL,
    ] = 24


class SigningSecret(Schema):
    """A new secret, shown once."""

    secret: str
    previous_valid_until: Instant | None


class Signing(Schema):
    """Whether a team's requests are signed; a secret is never shown again."""

    is_enabled: bool
    previous_valid_until: Instant | None


class SigningDeleted(Schema):
    deleted: bool = True


class SignatureQuery(Schema):
    """A request as its receiver has it."""

    headers: Annotated[
        dict[str, Annotated[str, Field(max_length=8192)]],
        Field(description="As they arrived"),
    ]
    body: Annotated[str, Field(max_length=262_144, description="As it arrived, not parsed")] = ""
    secret: Annotated[
        str | None, Field(max_length=255, description="The one that the receiver has, to be compared too")
    ] = None


class SignaturePart(Schema):
    """Whether it is as it was signed; of a time also whether it is of now."""

    result: Literal["same", "differs", "missing", "old", "unknown"]
    """Unknown where nothing matches, so that it cannot be said."""
    message: str


class SignatureCheck(Schema):
    """Which parts of a request are as they were signed."""

    is_genuine: bool
    id: SignaturePart
    time: SignaturePart
    secret: SignaturePart
    body: SignaturePart


class Redaction(Schema):
    """Of all requests of the team, and of their answers."""

    redact: Redact = ()
