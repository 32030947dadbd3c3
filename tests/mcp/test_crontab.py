"""Lines of a crontab as crons: what curl and wget would send, and what cannot be a cron."""

from typing import Any

import pytest

from services.mcp import crontab

URL = "https://a.example/x"


def read(text: str, timezone: str = "UTC") -> list[dict[str, Any]]:
    return [fields for _, fields in crontab.read(text, timezone)]


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        (
            f"*/5 * * * * curl -fsS {URL} > /dev/null 2>&1",
            {"cron_expression": "*/5 * * * *", "method": "GET"},
        ),
        (f"@midnight /usr/bin/wget -qO- {URL}?y=1", {"cron_expression": "@daily", "url": f"{URL}?y=1"}),
        (f"0 9 * * 1-5 curl -XPUT -H 'X-A: b' {URL}", {"method": "PUT", "headers": {"X-A": "b"}}),
        (f"0 9 * * * curl {URL} -d a=1 -d b=2", {"method": "POST", "payload": "a=1&b=2"}),
        (f"0 9 * * * curl {URL} -d a", {"headers": {"Content-Type": "application/x-www-form-urlencoded"}}),
        (
            f"0 9 * * * curl --json '{{}}' {URL}",
            {"payload": "{}", "headers": {"Content-Type": "application/json"}},
        ),
        (
            f"0 9 * * * curl -H 'content-type: text/plain' -d a {URL}",
            {"headers": {"content-type": "text/plain"}},
        ),
        (f"0 9 * * * wget --post-data=a {URL}", {"method": "POST", "payload": "a"}),
        (f"0 9 * * * curl {URL}?d=\\%F", {"url": f"{URL}?d=%F"}),
        (f"# nightly report\n0 2 * * * curl {URL}", {"name": "nightly report"}),
        (f"# of others\n\n0 2 * * * curl {URL}", {"name": "a.example/x"}),
        (f"CRON_TZ=Europe/Berlin\n0 2 * * * curl {URL}", {"timezone": "Europe/Berlin"}),
        (f"TZ='Asia/Tokyo'\nMAILTO=\"\"\n0 2 * * * curl {URL}", {"timezone": "Asia/Tokyo"}),
    ],
)
def test_a_line_becomes_what_its_program_would_send(line: str, fields: dict[str, Any]) -> None:
    (found,) = read(line)

    assert fields.items() <= found.items()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0 2 * * * /usr/bin/backup.sh", "runs backup.sh; a cron calls a URL"),
        (f"@reboot curl {URL}", "fires at a start of the machine"),
        (f"0 2 * * curl {URL}", "is no schedule of five fields and a command"),
        ("gibberish", "is no schedule of five fields and a command"),
        (f"0 2 * * * curl -u a:b {URL}", "has an option that a cron cannot keep"),
        (f"0 2 * * * curl --frobnicate {URL}", "has the option --frobnicate"),
        (f"0 2 * * * curl {URL} && echo done", "does more than one thing"),
        (f"0 2 * * * curl {URL} {URL}", "names 2 URLs"),
        ("0 2 * * * curl -s", "names no URL"),
        (f"0 2 * * * curl -d @/etc/passwd {URL}", "sends a file"),
        (f"0 2 * * * curl -d @- {URL}%text", "gives the command an input after %"),
        (f"0 2 * * * curl '{URL}", "No closing quotation"),
        (f"0 2 * * * curl {URL} -X", "expected one argument"),
    ],
)
def test_what_cannot_be_a_cron_is_said_with_its_line(line: str, said: str) -> None:
    with pytest.raises(crontab.NoCron, match=r"^line 3 ") as raised:
        read(f"# of the team\n0 1 * * * curl {URL}\n{line}")

    assert said in str(raised.value)
