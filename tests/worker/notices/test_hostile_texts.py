"""Names and answers of every hostile kind, as each channel gets them: no mention, markup, header or line of their own."""

import json
import re
from email.parser import BytesParser
from email.policy import default

import pytest

from services.worker.notices import discord, slack
from services.worker.notices.messages import Message, message_of
from shared.runtime.mail import _written
from shared.schemas.alerts import Alertable, AlertType
from shared.settings import Settings
from tests.pages.kinds import KINDS, in_name, in_url
from tests.worker.notices.test_messages import DOWN, NOON, alert, letter_of

MORE = {
    "every mention": "@everyone @here <@1> <@!1> <@&1> <#1> <!here> <!everyone> <!subteam^S1|x>",
    "links": "[x](https://planted.invalid) <https://planted.invalid|x> https://planted.invalid/*a*",
    "header of a letter": "x\r\nBcc: evil@planted.invalid\r\n\r\nbody",
    "folded header": "x\r\n Bcc: evil@planted.invalid",
    "other ends of lines": "x\x0bBcc: a\x0cBcc: b\x85Bcc: c\u2028Bcc: d\u2029Bcc: e",
    "end of a letter": "x\r\n.\r\nMAIL FROM:<evil@planted.invalid>",
    "encoded word": "=?utf-8?q?=0D=0ABcc:_evil=40planted.invalid?=",
    "half a letter": "\ud83d x",
    "escapes of a terminal": "\x1b]0;x\x07\x1b[2J\x9b2J",
}
TEXTS = {**KINDS, **MORE}


def message(text: str) -> Message:
    facts = {"url": f"https://a.example/{in_url(text)}", "error_message": text, "response": text}
    data = DOWN.model_copy(update=facts)
    return message_of(alert(AlertType.FAILURE, Alertable.CRON, data, name=in_name(text)), "https://r.example")


@pytest.mark.parametrize("kind", TEXTS)
def test_a_letter_has_the_headers_that_every_letter_has(kind: str) -> None:
    settings = Settings(smtp_host="localhost", smtp_from="recuro@example.com")
    letter = letter_of(message(TEXTS[kind]))

    plain, hostile = (
        BytesParser(policy=default).parsebytes(_written(settings, one, NOON).as_bytes())
        for one in (letter_of(message("x")), letter)
    )

    assert hostile.keys() == plain.keys()
    assert hostile["To"] == "ops@example.com"
    assert hostile.get_content_type() == "text/plain"
    assert len(hostile.get_content().splitlines()) == len(plain.get_content().splitlines())


@pytest.mark.parametrize("kind", TEXTS)
def test_slack_and_discord_get_no_mention_and_no_markup(kind: str) -> None:
    told = message(TEXTS[kind])
    of_slack, of_discord = json.loads(slack.body(told)), json.loads(discord.body(told))

    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", of_slack["text"])
    assert (of_slack["mrkdwn"], of_slack["unfurl_links"]) == (False, False)
    assert "link_names" not in of_slack
    assert of_discord["allowed_mentions"] == {"parse": []}
    assert "content" not in of_discord  # mentions in an embed call nobody
    (embed,) = of_discord["embeds"]
    outside = re.sub(r"https?://[^\s<>\"“”\\]+", "", embed["description"].replace("**", ""))
    assert not re.search(r"(?<!\\)(?:\\\\)*[*_~`|\[<]", outside.replace("\\\\", ""))
