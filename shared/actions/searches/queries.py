"""A search (`q`) as it is understood."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from redis.asyncio import Redis

from shared.basics import search
from shared.basics.search import Key, Search
from shared.errors import Invalid
from shared.schemas.base import SEARCHED
from shared.store import moments
from shared.store.keyspace import Team

T = TypeVar("T")


async def understood(
    redis: Redis,
    team: Team,
    text: str | None,
    keys: Mapping[str, Key[Any]],
    texts: Callable[[T], Sequence[str]],
) -> Search[T]:
    """What the text wants of rows, by the installation's clock; without one, all. Raises Invalid."""
    if not text:
        return Search((), keys, texts)
    try:
        return search.understood(text, keys, texts, await moments.now(redis, team.shard))
    except search.Wrong as error:
        raise Invalid(SEARCHED, f"The {SEARCHED} field {error}.") from None
