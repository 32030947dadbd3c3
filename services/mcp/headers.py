"""What tools show of stored headers: names, and of most no value, also where a target echoes it."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from redis.asyncio import Redis

from shared.actions import cron_records
from shared.basics.redaction import REDACTED
from shared.security.vault import MASK
from shared.store.keyspace import Team

Headers = Mapping[str, str] | None
SHOWN = frozenset({"accept", "content-type", "user-agent"})
"""Headers that say what a request is, and whose values are shown."""
LEAST = 8
"""Characters of a value that is masked in a text: a shorter one is in many by chance."""
_NO_VALUES = frozenset({MASK, REDACTED})
_QUOTES = re.compile(r"\bAssertion \w+ failed\b")
"""What a failure says that quotes what the target answered."""


def masked(headers: Headers) -> dict[str, str] | None:
    if headers is None:
        return None
    return {
        name: value if name.lower() in SHOWN or value in _NO_VALUES else MASK
        for name, value in headers.items()
    }


def check_values(headers: Headers) -> Headers:
    """Raise ValueError for a mask, which an agent may have read elsewhere: it would be sent as it is."""
    for name, value in (headers or {}).items():
        if value == MASK:
            raise ValueError(f"has {MASK} for {name[:80]}, which only stands for a value: give that")
    return headers


def without(text: str | None, headers: Headers) -> str | None:
    """What a target answered, without what it echoes of the headers, nor a beginning of it at a cut end."""
    for value in _hidden(headers) if text else ():
        text = str(text).replace(value, MASK)
        tail = next((n for n in range(len(value) - 1, LEAST - 1, -1) if text.endswith(value[:n])), 0)
        text = f"{text[:-tail]}{MASK}" if tail else text
    return text


def without_quotes(error: str | None, headers: Headers) -> str | None:
    """The same of a sentence of ours, which may quote the beginning of what a target said."""
    for value in _hidden(headers) if may_quote(error) else ():
        error = _without_beginnings(str(error), value)
    return error


def may_quote(error: str | None) -> bool:
    return error is not None and _QUOTES.search(error) is not None


def unquoted(message: str) -> str:
    """A sentence of which nobody knows what was sent, as far as it is ours."""
    found = _QUOTES.search(message)
    return f"{message[: found.end()]}." if found else message


async def of_crons(redis: Redis, team: Team, ids: Sequence[int]) -> dict[int, Headers]:
    """The headers of each that is still there."""
    return {cron.id: cron.headers for cron in await cron_records.excerpts_of(redis, team, ids)} if ids else {}


def _hidden(headers: Headers) -> Iterator[str]:
    """The values that are not shown, as they are and as JSON has them."""
    values = {value for name, value in (headers or {}).items() if name.lower() not in SHOWN} - _NO_VALUES
    spelt = values | {json.dumps(value)[1:-1] for value in values}
    yield from sorted((one for one in spelt if len(one) >= LEAST), key=len, reverse=True)


def _without_beginnings(text: str, value: str) -> str:
    start = text.find(value[:LEAST])
    while start >= 0:
        end = next(n for n in range(len(value), 0, -1) if text.startswith(value[:n], start))
        text = f"{text[:start]}{MASK}{text[start + end :]}"
        start = text.find(value[:LEAST], start + len(MASK))
    return text
