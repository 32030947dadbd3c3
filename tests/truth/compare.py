"""All that the API says of a play, beside the recount of it; raises AssertionError."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

from tests.truth.play import RETRIES, Play
from tests.truth.recount import (
    CRONS,
    FIGURES,
    IDLE,
    Alike,
    Row,
    Tally,
    failures,
    measured_agree,
    minute_of,
    summed,
    tally,
)

MINUTES = {"minute": 1, "ten_minutes": 10, "hour": 60}
ADDED_UP = (
    ("ten_minutes", 130, {"t"}),
    ("hour", 49 * 60, {"h", "d"}),
    ("hour", 3 * 24 * 60, {"d"}),
)
"""By what is asked, so many minutes after the play, and in which periods the figures lie by then."""
QUEUES = (*RETRIES, IDLE)
KINDS: Mapping[str, tuple[str, ...]] = {"all": (*QUEUES, CRONS), "jobs": QUEUES, "crons": (CRONS,)}
STRIP = 30


class Answers:
    """What the API answers about the play, read once."""

    def __init__(self, api: httpx.AsyncClient, play: Play) -> None:
        self.api, self.play = api, play
        self.jobs: list[Row] = []
        self.executions: list[Row] = []
        self.crons: list[Row] = []
        self.queues: dict[str, Row] = {}

    async def read(self) -> None:
        self.jobs = await self.all_of("/api/jobs")
        self.crons = await self.all_of("/api/crons")
        self.queues = {queue["name"]: queue for queue in await self.all_of("/api/queues")}
        for cron in self.crons:
            self.executions += await self.all_of(f"/api/crons/{cron['id']}/executions")

    async def all_of(self, path: str) -> list[Row]:
        found: list[Row] = []
        for page in range(1, 10_000):
            answer = await self.get(path, page=page, per_page=100)
            found += answer["data"]
            if page >= answer["last_page"]:
                break
        assert len(found) == answer["total"]
        return found

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.api.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()


async def compare(api: httpx.AsyncClient, play: Play) -> None:
    """Everything, and the figures once more when they were added up."""
    answers = Answers(api, play)
    await answers.read()
    found = tally(play, answers.executions)
    assert all(summed(found, KINDS["all"], range(play.minute + 1)).values())
    jobs_agree(play, answers.jobs)
    strips_agree(play, answers.crons, answers.executions)
    queues_agree(play, answers)
    await problems_agree(play, answers)
    usage = await answers.get("/api/usage")
    assert sum(usage["months"].values()) == len(play.seen) + len(play.unreachable)
    for by in MINUTES:
        await figures_agree(answers, found, by)
    await durations_agree(answers)
    for by, minutes, letters in ADDED_UP:
        await play.later(minutes)
        assert await play.periods() <= letters
        await figures_agree(answers, found, by)


async def figures_agree(answers: Answers, found: Tally, by: str) -> None:
    """Each period of the play that the API has, for all, jobs, crons and each queue, to the last one."""
    since = {} if by == "minute" else {"from": answers.play.starts.isoformat()}
    asked = [({"kind": kind}, of) for kind, of in KINDS.items()]
    asked += [({"queue_id": answers.queues[name]["id"]}, (name,)) for name in QUEUES]
    for query, of in asked:
        stats = await answers.get("/api/stats", by=by, **since, **query)
        for period in stats["data"]:
            first = minute_of(answers.play, period["at"])
            wanted = summed(found, of, range(first, first + MINUTES[by]))
            assert {name: period[name] for name in FIGURES} == wanted, f"{query} {by} {period['at']}"
            ended = sum(period[name] for name in ("completed", "failed", "retried"))
            assert period["wait_ms"]["count"] == period["duration_ms"]["count"] == period["started"] <= ended
        assert stats["total"]["started"] == sum(period["started"] for period in stats["data"])


async def durations_agree(answers: Answers) -> None:
    """Waits, durations and lateness of all, jobs and crons."""
    since = answers.play.starts.isoformat()
    for kind, rows in (("jobs", answers.jobs), ("crons", answers.executions), ("all", None)):
        both = [*answers.jobs, *answers.executions] if rows is None else rows
        runs = [row["run"] for row in both if row["run"] and row["run"]["phases"]]
        total = (await answers.get("/api/stats", **{"by": "hour", "from": since, "kind": kind}))["total"]
        assert len(runs) == total["started"]
        measured_agree(total["duration_ms"], [run["duration_ms"] for run in runs])
        measured_agree(total["wait_ms"], [run["phases"]["waited_ms"] for run in runs])
        late = [one["lateness_ms"] for one in answers.executions if one["status"] != "skipped"]
        measured_agree(total["lateness_ms"], late if kind != "jobs" else [])


def jobs_agree(play: Play, jobs: Sequence[Row]) -> None:
    """Each says of its attempt what the target answered to it, and was sent once."""
    of_id = {str(job["id"]): job for job in jobs}
    sent = [seen for seen in play.seen if not seen.cron]
    assert len({seen.request.headers["Recuro-Job-Id"] for seen in sent}) == len(sent)
    assert len(jobs) == len(sent) + len(play.unreachable) + len(play.expired) + len(play.cancelled)
    for seen in sent:
        job = of_id[seen.request.headers["Recuro-Job-Id"]]
        wanted = ("completed" if seen.is_good else "failed", seen.status, seen.attempt)
        assert (job["status"], job["run"]["response_status"], job["attempt_number"]) == wanted, job


def strips_agree(play: Play, crons: Iterable[Row], executions: Sequence[Row]) -> None:
    """The last 30 of each cron are what its executions say, and what its target answered."""
    for cron in crons:
        of_cron = sorted(
            (one for one in executions if one["cron_id"] == cron["id"]), key=lambda one: one["id"]
        )
        strip = [
            {
                "id": one["id"],
                "status": one["status"],
                "is_late": one["status"] != "skipped" and one["lateness_ms"] > 1000,
                "skip_reason": one["skip_reason"],
                "duration_ms": one["run"]["duration_ms"] if one["run"] else None,
            }
            for one in of_cron
        ]
        assert cron["recent_executions"] == strip[-STRIP:], f"cron {cron['id']}"
        ran = {
            datetime.fromisoformat(one["scheduled_at"]): one["status"]
            for one in of_cron
            if one["status"] != "skipped"
        }
        answered = {
            datetime.fromisoformat(seen.request.headers["Recuro-Scheduled-At"]): "completed"
            if seen.is_good
            else "failed"
            for seen in play.seen
            if seen.cron == str(cron["id"])
        }
        assert ran == answered, f"cron {cron['id']}"


def queues_agree(play: Play, answers: Answers) -> None:
    """The numbers of jobs of each queue by status."""
    dead = {name: 0 for name in QUEUES}
    for alike, one in failures(play).items():
        if alike.of in dead:
            dead[alike.of] += one.dead
    for name, queue in answers.queues.items():
        good = sum(seen.of == name and seen.is_good for seen in play.seen)
        of_queue = sum(job["queue"] == name for job in answers.jobs)
        wanted = {"pending": 0, "processing": 0, "completed": good, "failed": of_queue - good}
        assert queue["counts"] == {**wanted, "retrying": 0, "dead_lettered": dead[name]}, name


async def problems_agree(play: Play, answers: Answers) -> None:
    """As many as there must be, each with its count, first, last, arrivals, dead letters and example."""
    wanted = failures(play)
    names = {queue["id"]: name for name, queue in answers.queues.items()}
    found = {}
    for one in await answers.all_of("/api/problems"):
        of = names[one["queue_id"]] if one["queue_id"] else str(one["cron_id"])
        found[Alike(of, one["failure_reason"], one["response_status"], one["host"], one["path"])] = one
    assert found.keys() == wanted.keys(), f"only one of both: {found.keys() ^ wanted.keys()}"
    for alike, one in found.items():
        minutes = wanted[alike].minutes
        assert (one["count"], one["dead_letters"]) == (len(minutes), wanted[alike].dead), alike
        seen = minute_of(play, one["first_seen_at"]), minute_of(play, one["last_seen_at"])
        assert seen == (min(minutes), max(minutes)), alike
        assert one["quarters"] == _arrivals(play, one, minutes), alike
        _example_agrees(play, answers, alike, one)


def _arrivals(play: Play, problem: Row, minutes: Iterable[int]) -> list[int]:
    first = minute_of(play, problem["quarters_from"])
    quarters = [0] * len(problem["quarters"])
    for minute in minutes:
        quarters[(minute - first) // 15] += 1
    return quarters


def _example_agrees(play: Play, answers: Answers, alike: Alike, problem: Row) -> None:
    """The last that failed is one of those of the last minute, and the sentence is that of its run."""
    if alike.host is None or not (jobs := failures(play)[alike].jobs):
        return
    last = problem["last_seen_at"]
    if problem["execution_id"]:
        (one,) = [row for row in answers.executions if row["id"] == problem["execution_id"]]
        assert (str(one["cron_id"]), one["status"]) == (alike.of, "failed")
    else:
        assert str(problem["job_id"]) in jobs
    of_chain = [row for row in (*answers.jobs, *answers.executions) if _is_of(row, problem)]
    assert problem["error_message"] in {row["run"]["error_message"] for row in of_chain}
    assert any(minute_of(play, row["run"]["executed_at"]) == minute_of(play, last) for row in of_chain)


def _is_of(row: Row, problem: Row) -> bool:
    if problem["execution_id"]:
        return "cron_id" in row and bool(row["id"] == problem["execution_id"])
    return bool(row.get("original_job_id") == problem["job_id"])
