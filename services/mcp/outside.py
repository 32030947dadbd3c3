"""Texts that others have chosen: without characters that nobody sees, and without marks that only we make.

What a person reads in a name or a body and what a model reads of it are then the same.
"""

import re
import secrets
from typing import Any

_UNSEEN = re.compile(
    "["
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # control characters; tab and line breaks stay
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "]"
)
_SHOWN, _NOT_OURS = "[cut at", "(cut at"
CUT_AT = f"[cut {secrets.token_hex(6)} at"
"""What the mark at the end of a text that we cut begins with until it is shown: nobody else can write it."""
_TO_CLEAN = re.compile(r"\\(?:u00|[bf])|\x7f|\[cut ")
"""In JSON of ASCII; a backslash before a letter looks like a control character, and costs a second look."""


def clean(text: str) -> str:
    return _UNSEEN.sub("", text).replace(_SHOWN, _NOT_OURS).replace(CUT_AT, _SHOWN)


def is_to_be_cleaned(json: str) -> bool:
    """Whether an answer as JSON may have something to clean: most have not."""
    return _TO_CLEAN.search(json) is not None or (not json.isascii() and _UNSEEN.search(json) is not None)


def clean_all(value: Any) -> Any:
    """The same answer with all its texts, and all its keys, cleaned."""
    match value:
        case str():
            return clean(value)
        case dict():
            return {clean(key): clean_all(one) for key, one in value.items()}
        case list():
            return [clean_all(one) for one in value]
    return value


def shortened(value: Any, limit: int) -> Any:
    """The same answer with no text, and no key, of more characters than that."""
    match value:
        case str() if len(value) > limit:
            return f"{value[:limit]}…"
        case dict():
            return {shortened(key, limit): shortened(one, limit) for key, one in value.items()}
        case list():
            return [shortened(one, limit) for one in value]
    return value
