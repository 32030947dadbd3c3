"""What `recuro doctor` says of damaged records, and of processes that cannot go on."""

from redis.asyncio import Redis

from services.cli import inspection
from services.cli.findings import Finding
from shared import audit, damage, health, keyspace

MOST_SHOWN = 100


async def troubles(redis: Redis) -> list[Finding]:
    said = (await health.troubles(redis)).items()
    return [Finding(False, f"{member.replace(':', ' ')}: {sentence}") for member, sentence in said]


async def damages(redis: Redis) -> list[Finding]:
    """What was met by those who work with it; `--audit` looks at everything."""
    found = [one for shard in keyspace.SHARDS for one in await damage.found(redis, shard)]
    shown = [Finding(False, f"damaged: {one.name}: {one.said} ({one.at:%Y-%m-%d %H:%M})") for one in found]
    if len(shown) > MOST_SHOWN:
        shown[MOST_SHOWN:] = [Finding(False, f"damaged: and {len(found) - MOST_SHOWN} more")]
    return shown


async def inspected(redis: Redis, shard: str) -> tuple[list[Finding], list[str]]:
    """Everything is looked at anew: what is damaged, and which records were repaired."""
    await damage.forget(redis, shard)
    await damage.mend_shard(redis, shard)
    for team in await audit.teams(redis, shard):
        await damage.mend_team(redis, team)
        async for _ in damage.mend_queues(redis, team):
            pass
    found = [one async for one in inspection.inspect(redis, shard)]
    damaged = [(name, said) for name, said in found if said != inspection.REPAIRED]
    repaired = [name for name, said in found if said == inspection.REPAIRED]
    return [Finding(False, f"damaged: {name}: {said}") for name, said in damaged], repaired


def of_team(names: list[str], team: int) -> list[str]:
    """`j:5` out of `j:<team>:5`."""
    parts = [name.split(":") for name in names]
    return [f"{kind}:{number}" for kind, of, number in parts if of == str(team)]
