"""Every form that a page takes, what it is sent, and the operation that the audit trail names for it."""

from typing import NamedTuple

from services.api.table import OPERATIONS
from tests.pages.browser import PASSWORD

T = "/t/{team}"
CRON, JOB, QUEUE, LETTERS = (
    f"{T}/crons/{{cron}}",
    f"{T}/jobs/{{job}}",
    f"{T}/queues/{{queue}}",
    f"{T}/dead-letters/{{problem}}",
)
SET, ME = f"{T}/settings", "/me"
HOOK = f"{SET}/notifications/{{channel}}"


class Post(NamedTuple):
    """`operation` is empty where nothing of the team changes; `page` has the form, if not the address itself."""

    path: str
    operation: str
    typed: tuple[tuple[str, str], ...] = ()
    page: str = ""
    before: str = ""
    """The path of another row that has to be done first."""


def row(path: str, operation: str = "", page: str = "", before: str = "", /, **typed: str) -> Post:
    return Post(path, operation, tuple(typed.items()), page, before)


NEW_CRON = {
    "name": "from the page",
    "url": "https://a.example/x",
    "kind": "expression",
    "cron_expression": "0 3 * * *",
}
WRITES = (
    row("/new-team", "create-team", name="corner"),
    row(f"{T}/alerts/{{alert}}/quiet", "quiet-alert", f"{T}/alerts/{{alert}}"),
    row(
        f"{T}/alerts/{{alert}}/reopen",
        "update-problem",
        f"{T}/alerts/{{alert}}",
        f"{T}/alerts/{{alert}}/quiet",
    ),
    row(f"{T}/alerts/{{alert}}/resend", "resend-alert", f"{T}/alerts/{{alert}}", channel="slack"),
    row(f"{T}/alerts/{{alert}}/resolve", "update-problem", f"{T}/alerts/{{alert}}"),
    row(f"{SET}/api", "create-token", name="second"),
    row(f"{SET}/api/{{token}}", "update-token", name="renamed"),
    row(f"{SET}/api/{{token}}/regenerate", "regenerate-token"),
    row(f"{SET}/api/{{token}}/revoke", "delete-token"),
    row(f"{SET}/members", "create-invitation", email="new@example.com"),
    row(
        f"{SET}/members/invitations/{{invitation}}/cancel",
        "cancel-invitation",
        f"{SET}/members",
        f"{SET}/members",
    ),
    row(f"{SET}/members/{{member}}/role", "update-member", f"{SET}/members", role="admin"),
    row(f"{SET}/members/{{member}}/remove", "remove-member"),
    row(f"{SET}/team", "update-team", name="corner"),
    row(f"{SET}/team/hand-over/{{member}}", "hand-over-team"),
    row(f"{SET}/team/delete", "delete-team", name="shop"),
    row(HOOK, "set-notifications", f"{SET}/notifications", hook="https://hooks.slack.example/services/x"),
    row(f"{HOOK}/test", "test-notifications", f"{SET}/notifications", HOOK),
    row(f"{HOOK}/remove", "set-notifications", f"{HOOK}/remove", HOOK),
    row(f"{SET}/signing", "rotate-signing"),
    row(f"{SET}/signing/delete", "delete-signing", f"{SET}/signing/delete", f"{SET}/signing"),
    row(f"{SET}/redaction", "set-redaction", redact="headers.X-Session"),
    row(f"{SET}/limits", "set-limits", monthly_request_limit="1000"),
    row(
        f"{T}/jobs/bulk",
        "change-jobs",
        f"{T}/jobs",
        action="delete",
        sure="yes",
        **{"id-1": "on"},
    ),
    row(f"{T}/crons/bulk", "change-crons", f"{T}/crons", action="pause", **{"id-1": "on"}),
    row(f"{T}/crons/new", "create-cron", do="create", **NEW_CRON),
    row(f"{CRON}/edit", "update-cron", do="save", name="renamed"),
    row(f"{CRON}/run", "run-cron", CRON),
    row(f"{CRON}/pause", "update-cron", CRON),
    row(f"{CRON}/resume", "update-cron", CRON, f"{CRON}/pause"),
    row(f"{CRON}/delete", "delete-cron", name="Nightly invoices"),
    row(f"{T}/jobs/new", "create-job", queue="mail", url="https://a.example/"),
    row(f"{JOB}/cancel", "cancel-job"),
    row(f"{JOB}/replay", "replay-dead-letters"),
    row(f"{JOB}/delete", "delete-job"),
    row(f"{T}/queues/new", "create-queue", name="letters"),
    row(QUEUE, "update-queue", rate_limit="5"),
    row(f"{QUEUE}/pause", "update-queue", QUEUE),
    row(f"{QUEUE}/resume", "update-queue", QUEUE, f"{QUEUE}/pause"),
    row(f"{QUEUE}/keys/pause", "pause-queue-key", QUEUE, key="eu"),
    row(f"{QUEUE}/keys/resume", "resume-queue-key", QUEUE, f"{QUEUE}/keys/pause", key="eu"),
    row(f"{QUEUE}/delete", "delete-queue"),
    row(f"{LETTERS}/replay", "replay-dead-letters", LETTERS, rate="1"),
    row(f"{LETTERS}/purge", "purge-dead-letters", number="3"),
    row(f"{T}/replays/{{replay}}/stop", "cancel-replay", f"{T}/replays/{{replay}}/stop", f"{LETTERS}/replay"),
    row(f"{ME}/name", "rename-user", ME, name="Ada"),
    row(f"{ME}/password", "change-password", ME, current=PASSWORD, password="nine badgers dig"),
    row(f"{ME}/sessions/{{session}}/revoke", "end-session", ME),
    row(f"{ME}/sessions/revoke-others", "end-other-sessions", ME),
    row(f"{ME}/second-factor", "begin-second-factor", current=PASSWORD),
)
NO_WRITES = {
    "/sign-in": "nobody is signed in before",
    "/sign-in/code": "nobody is signed in before",
    "/sign-in/link/{code}": "nobody is signed in before",
    "/sign-in/oidc": "nobody is signed in before",
    "/sign-out": "ends a session of one's own, which no team has",
    "/forgotten": "anybody may ask for a letter",
    "/reset/{code}": "told as reset-password to the teams of the user: tests/pages/test_letters.py",
    "/welcome": "told as set-up-user, once in an installation: tests/pages/test_signing_in.py",
    "/join/{code}": "told as accept-invitation: tests/pages/test_members.py",
    "/me/second-factor/confirm": "told as add-second-factor: tests/pages/test_second_factor.py",
    "/me/second-factor/recovery-codes": "told as begin-recovery-codes: tests/pages/test_second_factor.py",
    "/me/second-factor/recovery-codes/confirm": "told as renew-recovery-codes: tests/pages/test_second_factor.py",
    "/me/second-factor/remove": "told as remove-second-factor: tests/pages/test_second_factor.py",
    "/zone": "a cookie of the browser",
    "/theme": "a cookie of the browser",
    "/me/keys": "a cookie of the browser",
    f"{SET}/signing/check": "says why a signature differs, and keeps nothing",
    f"{T}/crons/explain": "says what a schedule means, and keeps nothing",
}
"""Forms that change nothing of a team, or whose line other tests look at; each with the reason."""
OF_PEOPLE = {
    *("create-team", "rename-user", "change-password", "end-session", "end-other-sessions"),
    "begin-second-factor",
}
"""What people do with themselves; no token does that, so that REST has no such operation."""
NAMES = {one.name for one in OPERATIONS} | OF_PEOPLE
