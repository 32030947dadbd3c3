"""The same through a whole installation: crons every other second, by its own scheduler and worker."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.installation import Installation
from tests.poll import until

EXPRESSION = "*/2 * * * * *"
CRONS = 3
"""Of each method, to each way to a server."""
_OPEN = ("pending", "processing")


@dataclass(slots=True)
class Fired:
    """What became of all crons' executions."""

    executions: int = 0
    posts: int = 0
    failures: Counter[str] = field(default_factory=Counter)


def fired(installation: Installation, ports: Mapping[str, int], seconds: float) -> Fired:
    """Make the crons, let them fire for so long, and read what became of it."""
    ids = {
        _made(installation, f"{way} {method} {number}", method, f"http://127.0.0.1:{port}/note"): method
        for way, port in ports.items()
        for method in ("GET", "POST")
        for number in range(CRONS)
    }
    time.sleep(seconds)  # the crons fire meanwhile
    for cron in ids:
        answer = installation.client.patch(f"/api/crons/{cron}", json={"is_active": False})
        assert answer.status_code == 200, answer.text
    asyncio.run(until(lambda: _all_ended(installation, ids)))
    found = Fired()
    for cron, method in ids.items():
        for execution in _executions(installation, cron):
            found.executions += 1
            found.posts += method == "POST"
            if execution["status"] != "completed":
                found.failures[
                    f"{execution['status']}: {(execution.get('run') or {}).get('error_message')}"
                ] += 1
    return found


def _made(installation: Installation, name: str, method: str, url: str) -> int:
    asked = {"name": name, "url": url, "method": method, "cron_expression": EXPRESSION}
    payload = {"payload": f"cron {name}"} if method == "POST" else {}
    answer = installation.client.post("/api/crons", json=asked | payload)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


async def _all_ended(installation: Installation, crons: Iterable[int]) -> bool:
    open_ones = [f"/api/crons/{cron}/executions?filter={status}" for cron in crons for status in _OPEN]
    return all(installation.client.get(path).json()["total"] == 0 for path in open_ones)


def _executions(installation: Installation, cron: int) -> list[dict[str, Any]]:
    page, found = 1, []
    while True:
        answer = installation.client.get(f"/api/crons/{cron}/executions?per_page=100&page={page}").json()
        found += answer["data"]
        if page >= answer["last_page"]:
            return found
        page += 1
