"""The form of a token: what is typed as what the token may do, and back."""

from datetime import datetime, timedelta
from typing import NamedTuple

from services.api.pages import words
from services.api.pages.forms import Form, listed, number, parsed
from shared.actions.accounts import saying
from shared.schemas.accounts.tokens import Token, TokenCreate, TokenUpdate

DAYS = (7, 30, 90, 365)
INTERVALS = (60, 300, 900, 3600, 86_400)
NUMBERS = ("calls_per_hour", "calls_per_day", "runs_per_hour", "runs_per_day")
SCOPES = (
    ("read", "Read", "See crons, jobs and what happened. Secrets stay hidden."),
    ("write", "Read and write", "Also make, change, run and pause crons and jobs."),
    ("admin", "Everything", "Also settings, members and other tokens. Not for agents."),
)
AS_IT_IS = "as it is"
MOST_DIGITS = 8
VERSION = "version"
"""The field that carries which version the page showed."""


class Option(NamedTuple):
    value: str
    words: str


def expiries(now: datetime, token: Token | None = None) -> list[Option]:
    """When a token may end; of one that is there first of all as it is."""
    dates = ((days, words.day(now + timedelta(days=days), now)) for days in DAYS)
    ends = (Option(str(days), f"In {days} days, on {date}") for days, date in dates)
    if token is None:
        return [Option("", "Never"), *ends]
    end = f"On {words.day(token.expires_at, now)}" if token.expires_at else "Never"
    never = [Option("", "Never")] if token.expires_at else []
    return [Option(AS_IT_IS, f"As it is: {end[0].lower()}{end[1:]}"), *never, *ends]


def intervals(given: str) -> list[Option]:
    """How often crons may fire, with what is set if that is another."""
    is_number = given.isascii() and given.isdecimal() and len(given) <= MOST_DIGITS
    own = [int(given)] if is_number and 0 < int(given) <= 31_536_000 else []
    known = {*INTERVALS, *own}
    return [
        Option("", "as often as they like"),
        *(Option(str(one), saying.every(one)) for one in sorted(known)),
    ]


def created(form: Form, now: datetime) -> TokenCreate:
    """Raises Refused."""
    return parsed(TokenCreate, _given(form, now))


def changed(form: Form, now: datetime) -> TokenUpdate:
    """Raises Refused."""
    given = _given(form, now)
    if form.get("expires") == AS_IT_IS:
        del given["expires_at"]
    return parsed(TokenUpdate, given)


def shown(token: Token, version: str) -> Form:
    """A token as its form has it."""
    fields = {
        "name": token.name,
        "scope": token.scopes[-1],
        "hosts": ", ".join(token.hosts or ()),
        "queues": ", ".join(token.queues or ()),
        "min_interval_seconds": str(token.min_interval_seconds or ""),
        "expires": AS_IT_IS,
        VERSION: version,
        **{name: str(getattr(token, name) or "") for name in NUMBERS},
    }
    if not token.may_delete:
        fields["may_not_delete"] = "on"
    return Form(fields)


def _given(form: Form, now: datetime) -> dict[str, object]:
    days = form.get("expires")
    return {
        "name": form.get("name"),
        "scopes": [form.get("scope")],
        "hosts": listed(form.get("hosts")),
        "queues": listed(form.get("queues")),
        "min_interval_seconds": number(form.get("min_interval_seconds")),
        "may_delete": not form.has("may_not_delete"),
        "expires_at": now + timedelta(days=int(days)) if days in map(str, DAYS) else None,
        **{name: number(form.get(name)) for name in NUMBERS},
    }
