"""The words of every alert in every channel, read by people once and kept in `approved/alerts.txt`.

`RECURO_APPROVE=1 pytest tests/worker/notices/test_messages.py` writes the file anew: read what changed.
"""

import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.routing import Match

from services.api.routes import ROUTES
from services.worker.notices import discord, email, messages, slack
from services.worker.notices.announcement import Announcement
from services.worker.notices.messages import Message, message_of
from services.worker.work import Notice
from shared.runtime.mail import Letter
from shared.schemas.alerts import Alert, Alertable, AlertFacts, AlertType
from shared.schemas.notifications import Email
from shared.schemas.runs import FailureReason

APPROVED = Path(__file__).parent / "approved" / "alerts.txt"
PAGES = "https://recuro.example.com/t/1"
NOON = datetime(2026, 11, 25, 12, 0, 3, tzinfo=UTC)
DOWN = AlertFacts(
    url="https://api.example.com/report",
    response_status=503,
    failure_reason=FailureReason.HTTP_SERVER_ERROR,
    error_message="The target answered with status 503.",
    response='{"error": "database is down"}',
    consecutive_failures=3,
)
NAMELESS = AlertFacts(failure_reason=FailureReason.EXPIRED, consecutive_failures=1)


def alert(type_: AlertType, of: Alertable, data: AlertFacts, **fields: object) -> Alert:
    shown = {
        "id": 7,
        "type": type_,
        "alertable_type": of,
        "alertable_id": 4,
        "job_id": 42 if of == Alertable.QUEUE else None,
        "message": "",
        "data": data,
        "notified_at": None,
        "created_at": NOON,
        "name": "Nightly report" if of == Alertable.CRON else "mail",
        "count": 1,
        "uncounted": 0,
        "since": NOON - timedelta(minutes=10),
        "has_paused": False,
        "was_quiet": False,
        "deliveries": (),
    }
    return Alert.model_validate({**shown, **fields})


ALERTS = {
    "a cron fails": alert(AlertType.FAILURE, Alertable.CRON, DOWN),
    "a cron fails at once": alert(
        AlertType.FAILURE, Alertable.CRON, DOWN.model_copy(update={"consecutive_failures": 1}), since=NOON
    ),
    "a cron fails and is paused": alert(AlertType.FAILURE, Alertable.CRON, DOWN, has_paused=True),
    "a cron recovers": alert(AlertType.RECOVERY, Alertable.CRON, DOWN),
    "a cron recovers after days": alert(
        AlertType.RECOVERY,
        Alertable.CRON,
        DOWN.model_copy(update={"consecutive_failures": 1}),
        since=NOON - timedelta(days=2),
    ),
    "a queue fails": alert(AlertType.FAILURE, Alertable.QUEUE, DOWN),
    "a queue fails again": alert(AlertType.FAILURE, Alertable.QUEUE, DOWN, uncounted=41),
    "a queue fails unsent": alert(AlertType.FAILURE, Alertable.QUEUE, NAMELESS),
    "a limit is passed": alert(
        AlertType.LIMIT_WARNING, Alertable.TEAM, AlertFacts(consecutive_failures=10_001), name=None
    ),
}


def letter_of(message: Message) -> Letter:
    notice = Notice("s0", 1, "alerts", 1, "s:", "1-0", 1, 0, "email", intent="Kx3-1")
    return email.rendered(Announcement(notice, message, None), Email(to=("ops@example.com",)))


def texts(message: Message) -> Iterator[str]:
    letter = letter_of(message)
    yield f"mail, subject: {letter.subject}\n{letter.text}"
    yield f"slack:\n{json.loads(slack.body(message))['text']}\n"
    (embed,) = json.loads(discord.body(message))["embeds"]
    yield f"discord, #{embed['color']:06x}:\n{embed['description']}\n"


def test_every_message_reads_as_approved() -> None:
    told = {name: message_of(each, PAGES) for name, each in ALERTS.items()}
    told["without an address of our own"] = message_of(ALERTS["a cron fails"], "")
    told["a test"] = messages.TEST
    text = "\n".join(f"=== {name}\n\n" + "\n".join(texts(message)) for name, message in told.items())

    if os.environ.get("RECURO_APPROVE"):
        APPROVED.write_text(text)
    assert text == APPROVED.read_text()


@pytest.mark.parametrize(
    "nasty", ["a\r\nBcc: x@example.com", "a\0b", "a\u2028b", "\x1b[31mred", "<!channel> & <@U1>"]
)
def test_a_name_or_an_answer_changes_no_line_or_header(nasty: str) -> None:
    data = DOWN.model_copy(update={"response": nasty, "url": nasty, "error_message": nasty})

    message = message_of(alert(AlertType.FAILURE, Alertable.CRON, data, name=nasty), "")

    for line in (message.title, *message.lines):
        assert line.isprintable()
    assert "<!channel>" not in json.loads(slack.body(message))["text"]
    letter = letter_of(message)
    assert "\n" not in letter.subject


@pytest.mark.parametrize(
    ("nasty", "escaped"),
    [
        ("*a* _b_ ~~c~~ `d`", r"\*a\* \_b\_ \~\~c\~\~ \`d\`"),
        ("||spoiler||", r"\|\|spoiler\|\|"),
        ("[pay](https://evil.example/a_b)", r"\[pay\](https://evil.example/a_b)"),
        ("https://a.example/](x)*_b", "https://a.example/%5D(x)%2A_b"),
        ("# heading", "# heading"),  # none, for it begins no line
        (r"\*sly*", r"\\\*sly\*"),
        ("<@1> <t:1> <https://a.example>", r"\<@1> \<t:1> \<https://a.example>"),
    ],
)
def test_discord_takes_no_name_or_answer_for_markup(nasty: str, escaped: str) -> None:
    data = DOWN.model_copy(update={"response": nasty, "error_message": nasty})

    message = message_of(alert(AlertType.FAILURE, Alertable.CRON, data, name=nasty), "")

    (embed,) = json.loads(discord.body(message))["embeds"]
    assert embed["description"].startswith(f"**{escaped} is failing**\n")
    assert f"The target answered: “{escaped}”\n" in embed["description"]
    assert f"What went wrong: {escaped}\n" in embed["description"]


def test_slack_takes_nothing_for_markup() -> None:
    data = DOWN.model_copy(update={"response": "*a* _b_ ~c~ `d`"})

    message = message_of(alert(AlertType.FAILURE, Alertable.CRON, data, name="*Nightly* <!here>"), "")

    told = json.loads(slack.body(message))
    assert told["mrkdwn"] is False
    assert told["text"].startswith("*Nightly* &lt;!here&gt; is failing\n")


def test_a_cut_is_never_within_an_escape() -> None:
    data = DOWN.model_copy(update={"response": "*" * 5000, "error_message": "_" * 5000})

    message = message_of(alert(AlertType.FAILURE, Alertable.CRON, data, name="n" + "*" * 254), "")

    (embed,) = json.loads(discord.body(message))["embeds"]
    assert len(embed["description"]) <= 4096
    assert embed["description"].endswith(r"\_")


def test_a_message_without_pages_ends_with_a_command_that_reads_more() -> None:
    message = message_of(ALERTS["a queue fails"], "")

    authorization = '"Authorization: Bearer $RECURO_API_TOKEN"'
    assert message.lines[-1] == f"More: curl -H {authorization} $RECURO_URL/api/jobs/42"


@pytest.mark.parametrize("name", ALERTS)
def test_every_link_of_a_message_is_the_address_of_a_page(name: str) -> None:
    links = re.findall(r"https://recuro.example.com(/\S+)", message_of(ALERTS[name], PAGES).text)

    assert links
    for link in links:
        scope = {"type": "http", "method": "GET", "path": link}
        assert any(route.matches(scope)[0] is Match.FULL for route in ROUTES), link


def test_a_long_answer_is_cut() -> None:
    data = DOWN.model_copy(update={"response": "x" * 100_000})

    message = message_of(alert(AlertType.FAILURE, Alertable.CRON, data, name="n" * 255), "")

    assert len(message.text) < 1000
    assert len(json.loads(discord.body(message))["embeds"][0]["description"]) <= 4096
