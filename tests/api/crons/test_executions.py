"""/api/crons/{id}/run and /api/crons/{id}/executions"""

import pytest
from httpx import AsyncClient

CRON = {"name": "Tidy", "url": "https://example.com/tidy", "cron_expression": "0 0 1 1 *"}


async def test_a_cron_runs_now_and_keeps_its_next_run(client: AsyncClient) -> None:
    before = (await client.post("/api/crons", json=CRON)).json()

    answer = await client.post("/api/crons/1/run")

    body = answer.json()
    assert answer.status_code == 202
    assert (body["id"], body["cron_id"], body["status"], body["run"]) == (1, 1, "pending", None)
    assert (await client.get("/api/crons/1/executions/1")).json() == body
    assert (await client.get("/api/crons/1")).json()["next_run_at"] == before["next_run_at"]


async def test_executions_are_listed_newest_first_by_status(client: AsyncClient) -> None:
    await client.post("/api/crons", json=CRON)
    for _ in range(3):
        await client.post("/api/crons/1/run")

    page = (await client.get("/api/crons/1/executions", params={"per_page": 2})).json()
    failed = (await client.get("/api/crons/1/executions", params={"filter": "failed"})).json()

    assert [execution["id"] for execution in page["data"]] == [3, 2]
    assert (page["total"], page["last_page"]) == (3, 2)
    assert failed["data"] == []


async def test_an_execution_belongs_to_its_cron(client: AsyncClient) -> None:
    for _ in range(2):
        await client.post("/api/crons", json=CRON)
    await client.post("/api/crons/1/run")

    answer = await client.get("/api/crons/2/executions/1")

    assert (answer.status_code, answer.json()) == (404, {"error": "Execution not found"})


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/api/crons/9/run"), ("GET", "/api/crons/9/executions"), ("GET", "/api/crons/9/executions/1")],
)
async def test_without_the_cron_there_is_nothing(client: AsyncClient, method: str, path: str) -> None:
    answer = await client.request(method, path)

    assert (answer.status_code, answer.json()) == (404, {"error": "Cron not found"})


@pytest.mark.parametrize("query", ["filter=active", "page=0", "order=asc"])
async def test_a_wrong_query_parameter_is_named(client: AsyncClient, query: str) -> None:
    await client.post("/api/crons", json=CRON)

    answer = await client.get(f"/api/crons/1/executions?{query}")

    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [query.partition("=")[0]]
