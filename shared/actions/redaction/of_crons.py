"""What is stored of a cron's request if not all of it may be shown."""

from typing import NamedTuple

from shared.actions.redaction import of_team
from shared.actions.redaction.of_jobs import body_place
from shared.basics.redaction import NOT_JSON, REDACTED, rules_of
from shared.errors import Invalid
from shared.operations import Call
from shared.schemas.crons import CronCreate
from shared.security.destinations import origin_of


class Kept(NamedTuple):
    """What may be shown of a cron; and sealed the body that it sends, if that is another."""

    cron: CronCreate
    sealed: str | None = None


async def kept(call: Call, wanted: CronCreate, before: Kept | None) -> Kept:
    """The cron as it is to be stored; raises Invalid. What was sealed once is never opened but to be sent."""
    rules = rules_of((*wanted.redact, *await of_team.rules(call.redis, call.team)))
    sealed, payload = _still_sealed(wanted, before), wanted.payload
    shown = rules.text(payload, []) if payload else payload
    if payload and shown != payload and not sealed:
        sealed = call.vault.seal(payload, *body_place(call.team.id, wanted.url))
    headers = wanted.headers
    if headers and rules.headers:
        headers = call.vault.seal_headers(headers, call.team.id, origin_of(wanted.url), rules.has)
    return Kept(wanted.model_copy(update={"payload": shown, "headers": headers}), sealed)


def _still_sealed(wanted: CronCreate, before: Kept | None) -> str | None:
    """What was sealed before, unless the body is another by now; it only goes where it was given for."""
    if before is None or before.sealed is None or not wanted.payload:
        return None
    if wanted.payload != before.cron.payload:
        if REDACTED in wanted.payload or NOT_JSON in wanted.payload:
            sentence = f"The payload field has {REDACTED}, which stands for what is not shown: give it whole."
            raise Invalid("payload", sentence)
        return None
    if origin_of(wanted.url) != origin_of(before.cron.url):
        sentence = "The payload field must be given anew: what is not shown of it is sent to no other host."
        raise Invalid("payload", sentence)
    return before.sealed
