"""Invalid data in streams and records, and requests of callers at the limits of what is allowed."""

import json
from collections.abc import Mapping

import httpx

from shared.security import tokens
from shared.store.keyspace import Team
from tests.faults.stage import OTHER_TEAM, TEAM, Scene, Stage, playing

LEVELS = 190
"""The JSON parser accepts 200 levels, of which the request uses two and the payload one."""
OTHER_TOKEN = "rc_the-other-token-of-the-fault-rows"
ENTRIES: tuple[dict[str, str] | dict[bytes, bytes], ...] = (
    {"w": ""},
    {"w": "j:"},
    {"w": "j:1:2"},
    {"w": "z:1"},
    {"w": "e:1"},
    {"w": "n:1"},
    {"w": "j:999999"},
    {"w": "j:-1"},
    {"w": "j:99999999999999999999999999"},
    {"x": "j:1"},
    {"job": "1", "kind": "new", "more": "fields"},
    {b"\xff\xfe": b"\x00\r\n\xf0\x9f\x92\xa5"},
)


async def malformed_entries(scene: Scene) -> None:
    """Unreadable entries end in the quarantine, and the jobs around them are done."""
    async with playing(scene) as stage:
        queue = stage.queue("work", is_active=False)
        stage.create(10)
        for entry in scene.rng.sample(ENTRIES, len(ENTRIES)):
            await stage.redis.xadd(f"{TEAM.prefix}s:{TEAM.id}:{queue}", entry)  # type: ignore[arg-type]
        stage.story.note(f"XADD of {len(ENTRIES)} entries that nobody wrote")
        stage.create(10)
        stage.installation.client.patch(f"/api/queues/{queue}", json={"is_active": True})
        await stage.settle()
        assert (await stage.counts()).completed == 20
        assert stage.story.figures["repeats"] == 0
        kept = await stage.redis.xlen(f"{TEAM.prefix}quarantine")
        left = await stage.redis.xlen(f"{TEAM.prefix}s:{TEAM.id}:{queue}")
        stage.story.figures["quarantined"] = kept
        assert (kept >= 6, left) == (True, 0), (kept, left)


async def id_of_another_team(scene: Scene) -> None:
    """An entry in one team's stream never starts a job of another."""
    async with playing(scene, teams=(TEAM, OTHER_TEAM)) as stage:
        await tokens.create(stage.redis, team="other", name="x", scopes=("admin",), token=OTHER_TOKEN)
        fields = {
            "queue": "theirs",
            "url": stage.url("/theirs"),
            "delay": 3600,
            "headers": {"X-Other-Team": "2"},
        }
        answers = [_post_as(stage, OTHER_TOKEN, {**fields, "payload": {"n": n}}) for n in range(3)]
        theirs = [answer.json()["job_id"] for answer in answers]
        queue = stage.queue("work")
        for job in (*theirs, "2:1", f"{OTHER_TEAM.id}:{theirs[0]}"):
            await stage.redis.xadd(f"{TEAM.prefix}s:{TEAM.id}:{queue}", {"w": f"j:{job}"})
        stage.story.note("XADD of another team's job ids")
        stage.create(5)
        await stage.settle()
        assert stage.arrived("/theirs") == 0
        assert (await stage.counts(team=Team(2))).pending == 3


def _post_as(stage: Stage, token: str, job: Mapping[str, object]) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    answer = stage.installation.client.post("/api/jobs", json=job, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer


async def record_of_a_newer_version(scene: Scene) -> None:
    """A newer record is left for a newer worker and delays nothing; an older worker looks at it again."""
    async with playing(scene) as stage:
        queue = stage.queue("work", is_active=False)
        newer, *_ = stage.create(10)
        record = f"{TEAM.prefix}j:{TEAM.id}:{newer}"
        await stage.redis.hset(record, mapping={"v": "99", "shape": "new"})  # type: ignore[misc]
        stage.story.note("a record of version 99")
        stage.installation.client.patch(f"/api/queues/{queue}", json={"is_active": True})
        await stage.arrives(9)

        async def others_are_done() -> bool:
            return (await stage.counts()).completed == 9

        await stage.holds(others_are_done)
        fields = await stage.redis.hgetall(record)  # type: ignore[misc]
        assert (fields["v"], fields["shape"], fields["state"]) == ("99", "new", "pending"), fields
        await stage.redis.hset(record, "v", "1")  # type: ignore[misc]
        await stage.settle(30)
        assert (await stage.counts()).completed == 10


async def large_payloads(scene: Scene) -> None:
    """Just under 1 MiB arrives complete; more gets 413; a body that is not UTF-8 or not JSON gets 400."""
    async with playing(scene) as stage:
        payload = {"text": "ü\u0000\U0001f4a5" + "x" * 1_000_000}
        for _ in range(2):
            stage.create(1, payload=payload)
        too_large = {"queue": "work", "url": stage.url(), "payload": {"text": "x" * 1_100_000}}
        broken = (b'{"queue": "\xff"}', b"{", b"", b"[" * 100_000, b'{"a":' * 50_000, b"\x00")
        assert stage.installation.client.post("/api/jobs", json=too_large).status_code == 413
        for body in broken:
            status = stage.installation.client.post("/api/jobs", content=body).status_code
            assert status in (400, 422), (status, body[:20])
        stage.story.note(f"bodies of 1 MB, over 1 MiB and {len(broken)} broken ones")
        await stage.settle()
        assert [json.loads(request.body) for request in stage.target.received] == [payload] * 2


def _nested(levels: int) -> object:
    nested: object = []
    for _ in range(levels - 1):
        nested = [nested]
    return nested


async def payloads_at_the_edge(scene: Scene) -> None:
    """Big integers, empty lists and the deepest allowed levels arrive as they were sent; more gets 400."""
    payloads: list[dict[str, object]] = [
        {"n": 2**63, "m": -(2**64) - 1, "huge": 10**300, "exact": 9007199254740993},
        {"empty": [], "object": {}, "mixed": [[], {}, [[]], None, True, ""]},
        {"small": 5e-324, "large": 1.7976931348623157e308, "third": 0.1, "zero": -0.0, "one": 1.0},
        {"text": "\u0000\u2028\ud7ff\U0010ffff</script>\r\n", "": {"": ""}, "k\u0000": 1},
        {"deep": _nested(LEVELS)},
    ]
    async with playing(scene) as stage:
        refused = []
        for number, payload in enumerate(payloads):
            job = {"queue": "work", "url": stage.url(f"/{number}"), "payload": payload}
            answer = stage.installation.client.post("/api/jobs", json=job)
            if answer.status_code != 201:
                refused.append((number, answer.status_code, answer.text[:200]))
        for levels in (500, 2_000, 900_000):  # as text: our own writer does not go as deep
            deep = f'{{"queue":"work","url":"{stage.url()}","payload":{{"deep":{"[" * levels}'
            body = deep + "]" * levels + "}}" if levels < 500_000 else deep
            assert stage.installation.client.post("/api/jobs", content=body).status_code == 400
        stage.story.note(f"{len(payloads)} strange payloads, and three too deep")
        assert not refused, refused
        await stage.settle()
        arrived = {request.path: request.body for request in stage.target.received}
        for number, payload in enumerate(payloads):
            sent = json.loads(arrived[f"/{number}"])
            assert repr(sent) == repr(payload), f"payload {number} arrived as {arrived[f'/{number}'][:300]!r}"


BOUNDED = (malformed_entries, record_of_a_newer_version, payloads_at_the_edge)
LONG = (id_of_another_team, large_payloads)
