"""What a team may give for each channel: the example of docs/alerts.md, with another URL."""

import json
import re
from pathlib import Path
from typing import Any

PAGE = (Path(__file__).parents[1] / "docs" / "alerts.md").read_text()
_EXAMPLE = re.search(r"settings/notifications .*?-d '(\{.*?\})'", PAGE, re.S)
assert _EXAMPLE
EXAMPLE: dict[str, dict[str, Any]] = json.loads(_EXAMPLE[1])
HOOKS = tuple(name for name, given in EXAMPLE.items() if "url" in given)


def given_for(channel: str, url: str) -> dict[str, dict[str, Any]]:
    """The settings of the channel, by its name."""
    given = EXAMPLE[channel]
    return {channel: {**given, "url": url} if "url" in given else given}
