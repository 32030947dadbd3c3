"""docs/alerts.md: a row and an example for each channel, which are what its file says and sends."""

import json
import re
from pathlib import Path

import pytest

from services.worker.http.outgoing import Outgoing
from services.worker.notices import messages
from services.worker.notices.announcement import Announcement
from services.worker.notices.channels import RENDERINGS
from services.worker.work import Notice
from shared.schemas.notifications import Channel, Email, Hook, Notifications
from tests.docs.pages import code, tables

PAGE = (Path(__file__).parents[3] / "docs" / "alerts.md").read_text()
EXAMPLES = dict(re.findall(r"^To `(\w+)`:\n\n```\w+\n(.*?)```$", PAGE, re.M | re.S))
(ROWS,) = (table.rows for table in tables("alerts.md") if "Channel" in table.rows[0])
URL = "https://hooks.example.com/x"


def settings_of(channel: str) -> Email | Hook:
    """As a team gives them, whichever they are."""
    asked = Notifications.model_validate({channel: {"url": URL}}) if channel != "email" else MAIL
    found: Email | Hook = getattr(asked, channel)
    return found


MAIL = Notifications(email=Email(to=("ops@example.com",)))


def test_every_channel_has_a_row_an_example_and_settings_in_the_order_of_the_code() -> None:
    names = [channel.value for channel in Channel]

    assert [code(row["Channel"]) for row in ROWS] == [[name] for name in names]
    assert [*EXAMPLES] == [*Notifications.model_fields] == [*RENDERINGS] == names


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["Channel"])
def test_a_row_says_what_is_set_and_whether_it_is_signed(row: dict[str, str]) -> None:
    (channel,) = code(row["Channel"])
    set_beside = {*type(settings_of(channel)).model_fields} - {"enabled"}

    assert set_beside <= {*code(row["Settings"])}
    assert row["Signed"].startswith("yes") == RENDERINGS[channel].IS_SIGNED


@pytest.mark.parametrize("channel", list(Channel))
def test_a_test_call_sends_what_the_page_shows(channel: str) -> None:
    notice = Notice("s0", 1, "alerts", 1, "s:", "1-0", 1, 0, channel, intent="Kx3-1")

    sent = RENDERINGS[channel].rendered(Announcement(notice, messages.TEST, None), settings_of(channel))

    if isinstance(sent, Outgoing):
        assert json.loads(sent.body or b"") == json.loads(EXAMPLES[channel])
        assert (sent.method, sent.url) == ("POST", URL)
    else:
        assert f"{sent.subject}\n\n{sent.text}" == EXAMPLES[channel]
