"""All that a shard's Redis holds about jobs, read at one instant."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis

from shared.store import keyspace, records

PREFIX = keyspace.prefix(keyspace.SHARDS[0])
_STREAMS = ("f:", "s:")

_READ = """
local P, rows = ARGV[1], {}
local read = {
    hash = function(key) return redis.call('HGETALL', key) end,
    string = function(key) return redis.call('GET', key) end,
    set = function(key) return redis.call('SMEMBERS', key) end,
    zset = function(key) return redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') end,
    list = function() return {} end,
    stream = function(key)
        if not string.match(key, '^[fs]:%d+:', #P + 1) then return {} end
        local held = redis.pcall('XPENDING', key, 'workers', '-', '+', 1000)
        return { redis.call('XRANGE', key, '-', '+'), held.err and {} or held }
    end,
}
for _, key in ipairs(redis.call('KEYS', P .. '*')) do
    local kind = redis.call('TYPE', key).ok
    rows[#rows + 1] = { string.sub(key, #P + 1), kind, read[kind](key) }
end
return rows
"""


@dataclass(frozen=True, slots=True)
class Stream:
    """Entries and refs in order, and of those in flight the entry, its consumer and its beats."""

    entries: list[tuple[str, str]] = field(default_factory=list)
    held: list[tuple[str, str, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Keys below the prefix, by their type."""

    hashes: dict[str, dict[str, str]]
    strings: dict[str, str]
    sets: dict[str, set[str]]
    zsets: dict[str, dict[str, float]]
    streams: dict[str, Stream]


async def take(redis: Redis) -> Snapshot:
    seen = Snapshot({}, {}, {}, {}, {})
    answer: list[tuple[str, str, Any]] = await redis.eval(_READ, 0, PREFIX)  # type: ignore[misc]
    for key, kind, value in answer:
        _note(seen, key, kind, value)
    return seen


def _note(seen: Snapshot, key: str, kind: str, value: Any) -> None:
    match kind:
        case "hash":
            seen.hashes[key] = records.fields_of(value)
        case "string":
            seen.strings[key] = value
        case "set":
            seen.sets[key] = set(value)
        case "zset":
            seen.zsets[key] = _scores(value)
        case "stream" if key.startswith(_STREAMS):
            entries, held = value
            seen.streams[key] = Stream(
                [(entry, flat[1]) for entry, flat in entries],
                [(entry, consumer, int(beats)) for entry, consumer, _idle, beats in held],
            )


def _scores(flat: Sequence[str]) -> dict[str, float]:
    return {member: float(score) for member, score in zip(flat[::2], flat[1::2], strict=True)}
