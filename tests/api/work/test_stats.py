"""GET /api/stats, as a caller sees it."""

import httpx
import pytest


async def test_a_job_that_was_made_and_cancelled_is_counted(client: httpx.AsyncClient) -> None:
    made = (
        await client.post("/api/jobs", json={"queue": "mail", "url": "https://a.example/", "delay": 60})
    ).json()
    await client.post(f"/api/jobs/{made['job_id']}/cancel")

    stats = (await client.get("/api/stats", params={"by": "minute", "queue_id": made["queue_id"]})).json()

    assert stats["total"]["failed"] == 1
    assert len(stats["data"]) == 60
    assert sum(row["failed"] for row in stats["data"]) == 1


@pytest.mark.parametrize(
    ("params", "field", "sentence"),
    [
        ({"by": "week"}, "by", "The by field must be one of 'minute', 'ten_minutes', 'hour' or 'day'."),
        ({"from": "2020-01-01T00:00:00Z"}, "from", "The from field must not be earlier than 30 days ago"),
        ({"by": "minute", "from": "2020-01-01T00:00:00Z"}, "from", "an hour ago for by=minute"),
        ({"from": "1700000000"}, "from", "must be a moment with its offset"),
        ({"queue_id": "0"}, "queue_id", "queue_id"),
        ({"queue_id": "999"}, "queue_id", "names no queue of this team"),
        ({"per": "hour"}, "per", "per"),
    ],
)
async def test_what_is_wrong_is_named(
    client: httpx.AsyncClient, params: dict[str, str], field: str, sentence: str
) -> None:
    answer = await client.get("/api/stats", params=params)

    assert answer.status_code == 422
    assert sentence in answer.json()["errors"][field][0]
