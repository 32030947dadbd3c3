"""`recuro doctor`: check whether this Redis is fit to keep jobs, and what survives a crash."""

from collections.abc import Awaitable, Callable, Mapping

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from services.cli import inspection, punctuality
from services.cli.embedded import OLDEST
from services.cli.findings import Finding
from shared.errors import Damaged
from shared.runtime import health
from shared.runtime.durability import MEMORY, durability
from shared.runtime.installation import faults
from shared.schedule import zone_data
from shared.store import connection, keyspace, ledger, transitions
from shared.store.care import damage, figures, overdue, reconcile
from shared.store.care.shortage import REMEDY, Shortage, share_used

MOST_SHOWN = 100
Look = Callable[[Redis], Awaitable[list[Finding]]]


async def examine(redis: Redis) -> list[Finding]:
    """Check version, persistence, eviction, memory, time zones, the clock and late work, in this order."""
    info: dict[str, object] = await redis.info()
    facts = {name: str(value) for name, value in info.items()}
    kept = await durability(redis)
    return [
        _version(facts),
        Finding(kept != MEMORY, f"durability: {kept}"),
        *[Finding(False, text) for text in faults(facts)],
        _eviction(facts),
        _memory(facts),
        *[finding for what, look in _LOOKS.items() for finding in await _looked(redis, what, look)],
    ]


async def _looked(redis: Redis, what: str, look: Look) -> list[Finding]:
    """The findings; a damaged key is one of them and hides no other."""
    try:
        return await look(redis)
    except (Damaged, ResponseError) as error:
        said = connection.translated(error)
        if not isinstance(said, Damaged):
            raise
        return [Finding(False, f"{what}: {said} A scheduler puts it aside; --reconcile looks at every key")]


async def _living(redis: Redis) -> list[Finding]:
    """Which services run; it is fine if none does, as long as no work waits."""
    alive = await health.living(redis)
    said = (
        "processes: "
        + " and ".join(f"{n} {one}{'' if n == 1 else 's'}" for one, n in alive.items())
        + " live"
    )
    waits = [shard for shard in keyspace.SHARDS if await redis.zcard(keyspace.turns(shard))]
    if waits and not alive["worker"]:
        return [Finding(False, f"{said}: there is work, and no worker to send it")]
    if not alive["scheduler"] and [
        shard for shard in keyspace.SHARDS if await redis.zcard(keyspace.crons(shard))
    ]:
        return [Finding(False, f"{said}: there are crons, and no scheduler to fire them")]
    return [Finding(True, said)]


async def _troubles(redis: Redis) -> list[Finding]:
    said = (await health.troubles(redis)).items()
    return [Finding(False, f"{member.replace(':', ' ')}: {sentence}") for member, sentence in said]


async def _damages(redis: Redis) -> list[Finding]:
    """Damage that the services met; `--reconcile` checks everything."""
    found = [one for shard in keyspace.SHARDS for one in await damage.found(redis, shard)]
    shown = [Finding(False, f"damaged: {one.name}: {one.said} ({one.at:%Y-%m-%d %H:%M})") for one in found]
    if len(shown) > MOST_SHOWN:
        shown[MOST_SHOWN:] = [Finding(False, f"damaged: and {len(found) - MOST_SHOWN} more")]
    return shown


async def _inspected(redis: Redis, shard: str) -> tuple[list[Finding], list[str]]:
    """Check everything again: what is damaged, and which records were repaired."""
    await damage.forget(redis, shard)
    await transitions.mend_shard(redis, shard)
    for team in await reconcile.teams(redis, shard):
        await transitions.mend_team(redis, team)
        async for _ in damage.mend_queues(redis, team):
            pass
    found = [one async for one in inspection.inspect(redis, shard)]
    damaged = [(name, said) for name, said in found if said != inspection.REPAIRED]
    repaired = [name for name, said in found if said == inspection.REPAIRED]
    return [Finding(False, f"damaged: {name}: {said}") for name, said in damaged], repaired


def _of_team(names: list[str], team: int) -> list[str]:
    """`j:5` out of `j:<team>:5`."""
    parts = [name.split(":") for name in names]
    return [f"{kind}:{number}" for kind, of, number in parts if of == str(team)]


async def reconcile_all(redis: Redis) -> list[Finding]:
    """Recount everything, repair what the records prove, and report the findings; it may take a while."""
    findings = []
    for shard in keyspace.SHARDS:
        damaged, repaired = await _inspected(redis, shard)
        findings += damaged
        for team in await reconcile.teams(redis, shard):
            mended = _of_team(repaired, team.id)
            mended += [ref async for step in reconcile.patrol(redis, team, whole=True) for ref in step.mended]
            if mended:
                shown = ", ".join(mended[:20]) + (", …" if len(mended) > 20 else "")
                findings.append(Finding(True, f"team {team.id}: repaired {len(mended)} records: {shown}"))
            for wrong in await reconcile.recount(redis, team, repair=True):
                text = f"{wrong.noun}s {wrong.column} was {wrong.posted}, counted {wrong.counted}: repaired"
                findings.append(Finding(True, f"team {team.id}: ledger: {text}"))
            findings += [
                Finding(
                    True, f"team {team.id}: figures: {one.figure} is {one.counted}, and {one.kept} are kept"
                )
                for one in await figures.short(redis, team)
            ]
            counts = await ledger.read(redis, team)
            lost = await reconcile.patrol_crons(redis, team)
            findings += [Finding(True, f"team {team.id}: cron {cron} is due again") for cron in lost]
            law = "holds" if counts.holds else "does NOT hold"
            findings.append(
                Finding(counts.holds, f"team {team.id}: {counts.accepted} jobs, the ledger {law}")
            )
    return [*findings, *await _damages(redis)]


async def _zones(redis: Redis) -> list[Finding]:
    here, newest = zone_data.release(), ""
    for shard in keyspace.SHARDS:
        said: dict[str, str] = await redis.hgetall(keyspace.zones(shard))  # type: ignore[misc]
        newest = max(newest, said.get("release", ""))
    if here.version >= newest:
        return [Finding(True, f"time zones: {here}")]
    return [Finding(False, f"time zones: {here}, and a scheduler had {newest}: update Recuro or tzdata here")]


def _version(facts: Mapping[str, str]) -> Finding:
    product = "Valkey" if facts.get("server_name") == "valkey" else "Redis"
    version = facts.get("valkey_version") or facts.get("redis_version", "unknown")
    number = tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
    good = number >= OLDEST
    return Finding(good, f"version: {product} {version}" + ("" if good else ", 7.0 or newer is needed"))


async def _jobs(redis: Redis) -> list[Finding]:
    """A finding for overdue jobs; none if there are none."""
    late = max([(await overdue.seconds(redis, shard))["job"] for shard in keyspace.SHARDS])
    if late <= overdue.LATE_SECONDS:
        return []
    return [Finding(False, f"jobs: one should have started {late:.0f} s ago: does a scheduler run?")]


def _eviction(facts: Mapping[str, str]) -> Finding:
    policy = facts.get("maxmemory_policy", "unknown")
    if policy == "noeviction":
        return Finding(True, "eviction policy: noeviction")
    return Finding(False, f"eviction policy: {policy} drops jobs when memory is short; set noeviction")


def _memory(facts: Mapping[str, str]) -> Finding:
    share = share_used(facts)
    level = Shortage.ROOM.following(share)
    if facts.get("maxmemory", "0") == "0":
        said = "without a limit: set maxmemory, so that Recuro keeps less before the machine has none left"
        return Finding(True, f"memory: {said}")
    if level is Shortage.ROOM:
        return Finding(True, f"memory: {share:.0%} of maxmemory is used")
    return Finding(False, f"memory: {share:.0%} of maxmemory is used, {level.effect}; {REMEDY}")


_LOOKS: Mapping[str, Look] = {
    "time zones": _zones,
    "clock and crons": punctuality.examine,
    "jobs": _jobs,
    "processes": _living,
    "troubles": _troubles,
    "damaged": _damages,
}
