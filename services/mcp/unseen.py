"""Answers without characters that nobody sees: invisible ones, control characters, and those that turn text.

What a person reads in a name or a body and what a model reads of it are then the same.
"""

import re
from typing import Any

_CHARACTERS = re.compile(
    "["
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters; tab and line breaks stay
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "]"
)
_ESCAPES = re.compile(r"\\(?:u00|[bf])|\x7f")
"""As JSON has those of ASCII; a backslash before a letter looks the same, and only costs a second look."""


def without(text: str) -> str:
    return _CHARACTERS.sub("", text)


def may_be_in(json: str) -> bool:
    """Whether an answer as JSON may have one of them: almost none has."""
    return _ESCAPES.search(json) is not None or (not json.isascii() and _CHARACTERS.search(json) is not None)


def without_any(value: Any) -> Any:
    """The same answer with all its texts, and all its keys, without them."""
    match value:
        case str():
            return without(value)
        case dict():
            return {without(key): without_any(one) for key, one in value.items()}
        case list():
            return [without_any(one) for one in value]
    return value
