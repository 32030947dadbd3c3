"""What the doctor finds where keys that it looks at are damaged themselves."""

import pytest
from redis.asyncio import Redis

from services.cli import doctor
from services.cli.findings import Finding
from shared import keyspace

SHARD = keyspace.SHARDS[0]
P = keyspace.prefix(SHARD)


@pytest.mark.parametrize(
    ("key", "what"),
    [
        ("zones", "time zones"),
        ("clocks", "clock and crons"),
        ("crons", "clock and crons"),
        ("retention_waits", "clock and crons"),
        ("troubles", "processes"),
        ("damaged", "damaged"),
    ],
)
async def test_a_damaged_key_is_a_finding_and_hides_no_other(redis: Redis, key: str, what: str) -> None:
    before = {subject(one) for one in await doctor.examine(redis)}
    await redis.set(P + key, "junk")

    found = await doctor.examine(redis)

    assert what in {subject(one) for one in found if not one.good and "WRONGTYPE" in one.text}
    assert before - {"clock"} <= {subject(one) for one in found}


def subject(finding: Finding) -> str:
    return finding.text.partition(":")[0]
