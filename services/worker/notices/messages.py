"""The text of an alert, the same for every channel."""

from datetime import datetime, timedelta
from typing import NamedTuple

from shared.schemas.alerts import Alert, Alertable, AlertType

RESPONSE_CHARACTERS = 300
_COLOURS = {AlertType.FAILURE: 0xC62828, AlertType.RECOVERY: 0x2E7D32}
_OTHER_COLOUR = 0xF9A825
_AUTHORIZED = '-H "Authorization: Bearer $RECURO_API_TOKEN"'


class Message(NamedTuple):
    """A title of one line, and lines that say more; free of control characters."""

    title: str
    lines: tuple[str, ...]
    colour: int = _OTHER_COLOUR

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


TEST = Message(
    "Recuro can reach you here",
    ("This is a test. Alerts of your crons and queues will arrive in the same way.",),
)


def message_of(alert: Alert, pages: str) -> Message:
    """The message of an alert: it links to the team's `pages`, or names commands where these are ''."""
    title, lines = {
        Alertable.CRON: _of_cron,
        Alertable.QUEUE: _of_queue,
        Alertable.TEAM: _of_team,
    }[alert.alertable_type](alert)
    first, *rest = lines
    lines = [first, *_seen(alert), *rest, *_resume(alert, pages), _more(alert, pages)]
    colour = _COLOURS.get(alert.type, _OTHER_COLOUR)
    return Message(_plain(title), tuple(_plain(line) for line in lines), colour)


def _of_cron(alert: Alert) -> tuple[str, list[str]]:
    times, since = alert.data.consecutive_failures, _moment(alert.since)
    if alert.type == AlertType.RECOVERY:
        down = _span(alert.created_at - alert.since)
        often = "once" if times == 1 else f"{times} times"
        failed = f"The cron failed {often}, from {since} on; down for {down}."
        return f"{alert.name} works again", [failed, *_of_others(alert, "failed"), *_of_quiet(alert)]
    often = "once, at" if times == 1 else f"{times} times in a row, since"
    if alert.has_paused:
        return f"{alert.name} failed and is paused", [
            f"The cron failed {often} {since}.",
            "Its pause_after_failures is reached: it is paused, and does not run until somebody resumes it.",
        ]
    return f"{alert.name} is failing", [
        f"The cron failed {often} {since}.",
        *_of_others(alert, "are failing"),
        "You get another message when it works again.",
    ]


def _of_others(alert: Alert, do: str) -> list[str]:
    """How many crons are one incident with it."""
    affected = alert.data.affected_crons or 1
    return [f"{affected} crons {do} in this way, and are told of together."] if affected > 1 else []


def _of_quiet(alert: Alert) -> list[str]:
    return ["It was ignored until it recovered: from now on you hear of it again."] if alert.was_quiet else []


def _of_queue(alert: Alert) -> tuple[str, list[str]]:
    if alert.type == AlertType.RECOVERY:
        since, times = _moment(alert.since), alert.data.consecutive_failures
        often = "once, at" if times == 1 else f"{times} times, from"
        failed = f"A problem of the queue is over: it failed {often} {since}{'' if times == 1 else ' on'}."
        return f"Jobs of the queue {alert.name} go well again", [failed, *_of_quiet(alert)]
    attempts = alert.data.consecutive_failures
    tried = "1 attempt" if attempts == 1 else f"{attempts} attempts"
    lines = [f"Job {alert.job_id} failed for good after {tried}, at {_moment(alert.created_at)}."]
    if alert.uncounted:
        lines.append(f"Since the alert before this one, {alert.uncounted} more failed in the same way.")
    return f"Jobs of the queue {alert.name} are failing", [
        *lines,
        "Failures like this one are counted for an hour, without a message for each.",
    ]


def _of_team(alert: Alert) -> tuple[str, list[str]]:
    if alert.type == AlertType.STORAGE_WARNING:
        return "Crons are skipped: Redis is nearly out of memory", [
            "Crons are not run, and long answers not kept, until it has more. Jobs go on while they can.",
            "Whoever operates Recuro can raise the limit of Redis, or have less history kept.",
        ]
    made = f"{alert.data.consecutive_failures:,} requests have been made this month"
    return "The soft limit of this month is passed", [
        f"{made}. Nothing is stopped by that; the hard limit would."
    ]


def _seen(alert: Alert) -> list[str]:
    """What was called and what came back."""
    if alert.type != AlertType.FAILURE:
        return []
    why = alert.data.error_message or f"It failed with {alert.data.failure_reason or 'an unknown reason'}."
    lines = [f"What went wrong: {why}"]
    if alert.data.url:
        lines.append(f"Called: {alert.data.url}")
    if alert.data.response:
        response = _plain(alert.data.response)
        cut = "…" if len(response) > RESPONSE_CHARACTERS else ""
        lines.append(f"The target answered: “{response[:RESPONSE_CHARACTERS]}{cut}”")
    return lines


def _more(alert: Alert, pages: str) -> str:
    """Where all of it is, with what can be done about it."""
    return f"More: {pages}/alerts/{alert.id}" if pages else f"More: curl {_AUTHORIZED} {_address(alert)}"


def _resume(alert: Alert, pages: str) -> list[str]:
    """What has a cron fire again."""
    if not alert.has_paused:
        return []
    if pages:
        return [f"Resume: {pages}/crons/{alert.alertable_id}"]
    given = "-H 'Content-Type: application/json' -d '{\"is_active\": true}'"
    return [f"Resume: curl -X PATCH {given} {_AUTHORIZED} {_address(alert)}"]


def _address(alert: Alert) -> str:
    """In the API, which is somewhere that its reader knows."""
    if alert.alertable_type == Alertable.TEAM:
        return "$RECURO_URL/api/usage"
    noun = f"jobs/{alert.job_id}" if alert.job_id else f"crons/{alert.alertable_id}"
    return f"$RECURO_URL/api/{noun}"


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _span(length: timedelta) -> str:
    minutes, seconds = divmod(round(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    if hours >= 48:
        return f"{hours // 24} days {hours % 24} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _plain(text: str) -> str:
    """One line without control characters, whatever a name or a target holds."""
    return "".join(character if character.isprintable() else " " for character in text).strip()
