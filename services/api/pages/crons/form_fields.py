"""The form of a cron: what is typed as what a cron is made of, and back."""

from collections.abc import Mapping, Sequence

from services.api.errors import Refused
from services.api.pages.crons import schedules
from services.api.pages.crons.schedules import Choice
from services.api.pages.forms import Form, number, parsed
from shared.basics.redaction import REDACTED
from shared.schemas.assertions import Assertions
from shared.schemas.crons import Cron, CronCreate, CronMode, CronUpdate
from shared.security.vault import MASK

VERSION = "version"
MOST_CHECKS = 10
MOST_BODY_CHARACTERS = 100_000
"""A longer body is left as it is: a form as a whole may have 1 MiB, encoded."""
METHODS = [Choice(one, one) for one in ("POST", "GET", "PUT", "PATCH", "DELETE")]
CHECKS = [
    Choice("", "no other condition"),
    Choice("status_code_equals", "status is"),
    Choice("response_time_under_ms", "answer within ms"),
    Choice("body_contains", "body contains"),
    Choice("body_not_contains", "body does not contain"),
    Choice("body_matches", "body matches"),
    Choice("json_path_equals", "JSON at"),
    Choice("header_equals", "header"),
]
PLACES = {"json_path_equals": "path", "header_equals": "name"}
TIMEOUTS = (5, 10, 30, 60, 120, 300)
ALERTS = [
    Choice("", "nobody"),
    Choice("1", "the first failure"),
    Choice("2", "2 failures in a row"),
    Choice("3", "3 failures in a row"),
]
PAUSES = (1, 3, 5, 10, 20, 50, 100)
OVERLAPS = [
    Choice("allow", "start another"),
    Choice("skip", "skip the next"),
    Choice("queue_one", "let one wait"),
]
MISFIRES = [
    Choice("run_once", "run the last one"),
    Choice("run_all", "run all of them"),
    Choice("skip", "skip them"),
]
WINDOWS = (
    (0, "0 s"),
    (300, "5 minutes"),
    (3600, "60 minutes"),
    (21_600, "6 hours"),
    (86_400, "a day"),
    (604_800, "a week"),
)
SPREADS = (
    (0, "exactly on time"),
    (60, "up to a minute later"),
    (300, "up to 5 minutes later"),
    (3600, "up to an hour later"),
)
GRACES = (
    (60, "a minute"),
    (300, "5 minutes"),
    (900, "15 minutes"),
    (3600, "an hour"),
    (21_600, "6 hours"),
    (86_400, "a day"),
)
NUMBERS = ("timeout_seconds", "misfire_window_seconds", "spread_seconds", "grace_seconds")
_MAYBE = ("alert_threshold", "pause_after_failures")


def fresh(zone: str) -> Form:
    """An empty form: what a new cron is, if nothing else is said."""
    usual = CronCreate(name="-", url="", cron_expression="30 2 * * *")
    return Form({**_shown(usual), "name": "", **schedules.USUAL, "timezone": zone, "method": "POST"})


def shown(cron: Cron, version: str) -> Form:
    """A cron as its form has it."""
    return Form({**_shown(cron), **schedules.shown(cron.cron_expression), VERSION: version})


def copied(cron: Cron) -> Form:
    """The same for another one; what is secret, or not shown whole, is to be typed anew."""
    fields = dict(shown(cron, "").fields)
    kept = {name: value for name, value in (cron.headers or {}).items() if value not in (MASK, REDACTED)}
    payload = fields.get("payload", "")
    fields.update(headers=_lines(kept), payload="" if REDACTED in payload else payload)
    fields["name"] = f"{cron.name[:248]} (copy)"
    return Form(fields)


def _shown(cron: Cron | CronCreate) -> dict[str, str]:
    fields = {
        "name": cron.name,
        "mode": str(cron.mode),
        "url": cron.url,
        "method": str(cron.method),
        "headers": _lines(cron.headers or {}),
        "timezone": cron.timezone,
        "overlap_policy": str(cron.overlap_policy),
        "misfire_policy": str(cron.misfire_policy),
        **{name: str(getattr(cron, name)) for name in NUMBERS},
        **{name: str(getattr(cron, name) or "") for name in _MAYBE},
        **_checks(cron.success_assertions),
    }
    payload = cron.payload or ""
    return fields if is_long(payload) else {**fields, "payload": payload}


def is_long(payload: str | None) -> bool:
    return len(payload or "") > MOST_BODY_CHARACTERS


def _checks(given: Assertions) -> dict[str, str]:
    fields = {}
    for at, one in enumerate(given):
        place = getattr(one, PLACES[one.type]) if one.type in PLACES else ""
        fields.update(
            {f"check-{at}-type": one.type, f"check-{at}-place": place, f"check-{at}-value": one.value}
        )
    return fields


def checks_of(form: Form, *, more: bool) -> int:
    """How many rows of conditions it has: those in use, one if there is none, and one that is wanted."""
    used = sum(1 for at in range(MOST_CHECKS) if form.get(f"check-{at}-type"))
    return min(MOST_CHECKS, max(1, used) + (more and used > 0))


def _lines(headers: Mapping[str, str]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in headers.items())


def created(form: Form, *, is_active: bool) -> CronCreate:
    """Raises Refused."""
    given = {**_given(form), "is_active": is_active}
    if given["mode"] == CronMode.HEARTBEAT:
        for name in ("url", "method", "headers", "payload", "success_assertions"):
            given.pop(name, None)
        if given["alert_threshold"] is None:  # it is there to report silence: the action sets one
            del given["alert_threshold"]
    elif not given["url"]:
        raise Refused({"url": ["The url field must not be empty: what is to be called?"]})
    return parsed(CronCreate, given)


def changed(form: Form, cron: Cron) -> CronUpdate | None:
    """Only what is other than the page showed, or nothing at all; raises Refused."""
    before = _given(shown(cron, ""))
    given = {name: value for name, value in _given(form).items() if value != before.get(name)}
    given.pop("mode", None)
    return parsed(CronUpdate, given) if given else None


def _given(form: Form) -> dict[str, object]:
    given: dict[str, object] = {
        "name": form.get("name").strip(),
        "mode": form.get("mode") or CronMode.REQUEST,
        "url": form.get("url").strip(),
        "method": form.get("method"),
        "headers": _headers(form.get("headers")),
        "timezone": form.get("timezone").strip(),
        "cron_expression": schedules.expression_of(form),
        "overlap_policy": form.get("overlap_policy"),
        "misfire_policy": form.get("misfire_policy"),
        "success_assertions": _assertions(form),
        **{name: number(form.get(name)) for name in (*NUMBERS, *_MAYBE)},
    }
    if form.has("payload"):
        given["payload"] = form.get("payload").replace("\r\n", "\n") or None
    return given


def _headers(text: str) -> dict[str, str] | None:
    """A line a header; raises Refused for one without a colon."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if not line.strip():
            continue
        if not colon:
            raise Refused(
                {"headers": ["The headers field must have a colon in each line, as in X-Run: nightly."]}
            )
        found[name.strip()] = value.strip()
    return found or None


def _assertions(form: Form) -> list[dict[str, str]]:
    found = []
    for at in range(MOST_CHECKS):
        kind = form.get(f"check-{at}-type")
        if not kind:
            continue
        one = {"type": kind, "value": form.get(f"check-{at}-value")}
        if kind in PLACES:
            one[PLACES[kind]] = form.get(f"check-{at}-place").strip()
        found.append(one)
    return found


def seconds(form: Form, name: str, usual: Sequence[tuple[int, str]]) -> list[Choice]:
    """The usual ones, with the one that is set if that is another."""
    found = [Choice(str(value), words) for value, words in usual]
    own = form.get(name)
    return (
        found if own in {one.value for one in found} or not own else [*found, Choice(own[:9], f"{own[:9]} s")]
    )


def timeouts(form: Form) -> list[Choice]:
    return seconds(form, "timeout_seconds", [(one, f"{one} s") for one in TIMEOUTS])


def pauses(form: Form) -> list[Choice]:
    found = [Choice("", "never"), *(Choice(str(one), f"{one} in a row") for one in PAUSES)]
    own = form.get("pause_after_failures")
    return found if own in {one.value for one in found} else [*found, Choice(own[:4], f"{own[:4]} in a row")]
