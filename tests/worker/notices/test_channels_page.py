"""docs/alerts.md: a row and an example for each channel, which are what its file says and sends."""

import json
import re

import pytest

from services.worker.http.outgoing import Outgoing
from services.worker.notices import messages
from services.worker.notices.announcement import Announcement
from services.worker.notices.channels import RENDERINGS
from services.worker.work import Notice
from shared.schemas.alerts import Alert
from shared.schemas.notifications import Channel, Email, Hook, Notifications
from tests.channels import EXAMPLE, PAGE, given_for
from tests.docs.pages import code, tables

EXAMPLES = dict(re.findall(r"^To `(\w+)`:\n\n```\w+\n(.*?)```$", PAGE, re.M | re.S))
FAILURES = dict(re.findall(r"^To `(\w+)` when a cron fails:\n\n```\w+\n(.*?)```$", PAGE, re.M | re.S))
(ROWS,) = (table.rows for table in tables("alerts.md") if "Channel" in table.rows[0])
URL = "https://hooks.example.com/x"
NOTICE = Notice("s0", 1, "alerts", 1, "s:", "1-0", 1, 0, "", intent="Kx3-1")
FAILURE = Alert.model_validate(
    {
        **dict.fromkeys(Alert.model_fields),
        **{"id": 7, "type": "failure", "alertable_type": "cron", "alertable_id": 4, "name": "Nightly report"},
        **{"data": {"consecutive_failures": 3}, "message": "", "count": 1, "uncounted": 0, "deliveries": ()},
        "has_paused": False,
        "was_quiet": False,
        **{"since": "2026-11-28T03:00:00+00:00", "created_at": "2026-11-28T03:10:00+00:00"},
    }
)


def settings_of(channel: str) -> Email | Hook:
    """As a team gives them, whichever they are."""
    found: Email | Hook = getattr(Notifications.model_validate(given_for(channel, URL)), channel)
    return found


def limit_of(file: object) -> tuple[int, str] | None:
    """How long a text may be, and the encoding in which that is counted: UTF-32 counts characters."""
    if most := getattr(file, "TEXT_BYTES", None):
        return most, "utf-8"
    most = getattr(file, "TEXT_CHARACTERS", None)
    return (most, "utf-32-le") if most else None


def test_every_channel_has_a_row_an_example_and_settings_in_the_order_of_the_code() -> None:
    names = [channel.value for channel in Channel]

    assert [code(row["Channel"]) for row in ROWS] == [[name] for name in names]
    assert [*EXAMPLE] == [*EXAMPLES] == [*Notifications.model_fields] == [*RENDERINGS] == names


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["Channel"])
def test_a_row_says_what_is_set_and_whether_it_is_signed(row: dict[str, str]) -> None:
    (channel,) = code(row["Channel"])
    set_beside = {*type(settings_of(channel)).model_fields} - {"enabled"}

    assert set_beside <= {*code(row["Settings"])}
    assert row["Signed"].startswith("yes") == RENDERINGS[channel].IS_SIGNED


@pytest.mark.parametrize("channel", list(Channel))
def test_a_test_call_sends_what_the_page_shows(channel: str) -> None:
    sent = RENDERINGS[channel].rendered(Announcement(NOTICE, messages.TEST, None), settings_of(channel))

    if isinstance(sent, Outgoing):
        assert json.loads(sent.body or b"") == json.loads(EXAMPLES[channel])
        assert (sent.method, sent.url) == ("POST", URL)
    else:
        assert f"{sent.subject}\n\n{sent.text}" == EXAMPLES[channel]


@pytest.mark.parametrize("channel", FAILURES)
def test_a_failure_sends_what_the_page_shows(channel: str) -> None:
    message = messages.message_of(FAILURE, "https://recuro.example.com/t/1")

    sent = RENDERINGS[channel].rendered(Announcement(NOTICE, message, FAILURE), settings_of(channel))

    assert isinstance(sent, Outgoing)
    assert json.loads(sent.body or b"") == json.loads(FAILURES[channel])


@pytest.mark.parametrize("channel", [name for name, of in RENDERINGS.items() if limit_of(of)])
def test_a_channel_cuts_what_its_receiver_would_refuse(channel: str) -> None:
    most, encoding = limit_of(RENDERINGS[channel]) or (0, "")
    said = FAILURE.data.model_copy(update={"error_message": "x" + "é" * 5000})
    message = messages.message_of(FAILURE.model_copy(update={"data": said}), "")

    sent = RENDERINGS[channel].rendered(Announcement(NOTICE, message, FAILURE), settings_of(channel))

    texts: list[str] = []
    assert isinstance(sent, Outgoing)
    json.loads(
        sent.body or b"",
        object_hook=lambda part: texts.extend(one for one in part.values() if isinstance(one, str)),
    )
    assert most - 4 < max(len(text.encode(encoding)) // len("x".encode(encoding)) for text in texts) <= most


def test_the_page_shows_a_failure_where_a_channel_takes_more_than_text() -> None:
    assert "discord" in FAILURES
