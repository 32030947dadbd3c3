"""Crons that are edited while they fire, by an API whose clock is wrong: nothing fires twice or is lost."""

import asyncio
import itertools
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx

from tests.faults.clock.clocks import faked
from tests.faults.clock.ticks import executions_end, fault_of, stop, ticks_of
from tests.faults.parts.installation import Options
from tests.faults.stage import Scene, Stage, playing
from tests.installation import TOKEN

SHIFTS = (-0.02, 0.02, -0.1, -0.5, -1.0, 1.0, -3600.0, 3600.0)
"""How far the API's clock is from that of Redis (s), one after the other."""
SOON_SECONDS = 20.0
"""By when the next fire of a cron of every second comes, on a busy machine."""
STOPPED_SECONDS = 12.0
EDITED, PAUSED = "/edited/", "/paused/"
FAR = "2200-01-01T00:00:00Z"

# Changes of the schedule that still fire every second, used in turn.
CHANGES: Sequence[dict[str, object]] = (
    {"max_runs": 1_000_000},
    {"ends_at": FAR},
    {"cron_expression": "*/1 * * * * *"},
    {"timezone": "Asia/Kathmandu"},
    {"misfire_window_seconds": 7200},
    {"starts_at": "2020-01-01T00:00:00Z"},
    {"max_runs": None},
    {"ends_at": None},
    {"cron_expression": "* * * * * *"},
    {"timezone": "UTC"},
    {"misfire_window_seconds": 3600},
    {"starts_at": None},
)
PAUSES: Sequence[dict[str, object]] = ({"is_active": False}, {"is_active": True})


@dataclass(slots=True)
class Editors:
    """The targets, which edit the crons that call them before they answer."""

    api: str
    changes: dict[str, Iterator[dict[str, object]]] = field(default_factory=dict)
    """By path, what each call of it changes."""
    crons: dict[str, int] = field(default_factory=dict)
    edits: int = 0
    wrong: list[str] = field(default_factory=list)
    _client: httpx.AsyncClient | None = None

    async def edit(self, path: str) -> None:
        """Runs in the loop of the target."""
        if path not in self.crons:
            return
        if self._client is None:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            self._client = httpx.AsyncClient(base_url=self.api, headers=headers, trust_env=False, timeout=30)
        for _ in range(2 if path.startswith(PAUSED) else 1):
            answer = await self._client.patch(f"/api/crons/{self.crons[path]}", json=next(self.changes[path]))
            self.edits += 1
            if answer.status_code != 200:
                self.wrong.append(answer.text)


async def crons_edited_as_they_fire(scene: Scene) -> None:
    """Each call edits its cron, the API's clock is up to an hour wrong, schedulers stop for 12 s: no tick twice or lost."""
    clock = scene.folder / "clock"
    _shift(clock, 0.0)
    services = ("api", "worker", "scheduler", "scheduler")
    async with playing(scene, Options(services=services, environments={"api": faked(clock)})) as stage:
        editors = Editors(stage.installation.api)
        stage.target.before_answer = editors.edit
        _crons(stage, editors, 4 if scene.is_small else 20)
        for seconds in SHIFTS[::3] if scene.is_small else SHIFTS:
            stage.story.note(f"the clock of the API is {seconds:+} s")
            _shift(clock, seconds)
            await _live(stage, 4 if scene.is_small else 10)
        await _edited_while_nobody_fires(stage, editors, 6.0 if scene.is_small else STOPPED_SECONDS)
        stop(stage, list(editors.crons.values()))
        stage.target.before_answer = None
        await executions_end(stage)
        await _check_fires(stage, editors)


def _crons(stage: Stage, editors: Editors, crons: int) -> None:
    """Crons of every second, all edited by their targets; each fourth is paused and resumed."""
    for number in range(crons):
        path = f"{EDITED if number % 4 else PAUSED}{number}"
        turn = number % len(CHANGES)
        changes = [*CHANGES[turn:], *CHANGES[:turn]] if number % 4 else PAUSES
        editors.changes[path] = itertools.cycle(changes)
        editors.crons[path] = stage.cron("* * * * * *", path)


async def _live(stage: Stage, seconds: float) -> None:
    """Let them run for so long; meanwhile a new cron and a resumed one fire at once, and are reported correctly."""
    ends = time.monotonic() + seconds
    made = stage.cron("* * * * * *", "/new")
    shown = stage.installation.client.get(f"/api/crons/{made}").json()
    await _comes_soon(stage, shown["next_run_at"])
    explained = stage.installation.client.post(
        "/api/crons/explain", json={"cron_expression": "* * * * * *"}
    ).json()
    await _comes_soon(stage, explained["next_runs"][0]["utc"])
    before = stage.arrived("/new")
    await stage.arrives(before + 1, "/new", SOON_SECONDS)
    stop(stage, [made])
    await asyncio.sleep(max(0.0, ends - time.monotonic()))  # the crons call, and are edited


async def _comes_soon(stage: Stage, moment: str) -> None:
    seconds, microseconds = await stage.redis.time()
    wait = datetime.fromisoformat(moment).timestamp() - seconds - microseconds / 1e6
    assert -SOON_SECONDS < wait < SOON_SECONDS, f"the next fire is {wait:+.1f} s from now"


async def _edited_while_nobody_fires(stage: Stage, editors: Editors, seconds: float) -> None:
    """Edits around the second with all schedulers stopped: due fires are made by the edits, or after them."""
    schedulers, rng = stage.installation.of("scheduler"), stage.scene.rng
    crons = [cron for path, cron in editors.crons.items() if path.startswith(EDITED)]
    with stage.story.during(f"the schedulers are stopped for {seconds:.0f} s"):
        for process in schedulers:
            stage.signal(process, signal.SIGSTOP)
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            answer = stage.installation.client.patch(
                f"/api/crons/{rng.choice(crons)}", json=rng.choice(CHANGES)
            )
            assert answer.status_code == 200, answer.text
            await asyncio.sleep(rng.uniform(0.0, 0.4))  # so that edits fall everywhere in a second
        for process in schedulers:
            stage.signal(process, signal.SIGCONT)
    before = {path: stage.arrived(path) for path in editors.crons}
    for path in editors.crons:
        await stage.arrives(before[path] + 2, path, 60)


async def _check_fires(stage: Stage, editors: Editors) -> None:
    ticks = await ticks_of(stage)
    edited = {str(cron) for path, cron in editors.crons.items() if path.startswith(EDITED)}
    stage.story.figures |= {"edits": editors.edits, "ticks": sum(map(len, ticks.values()))}
    assert not editors.wrong, editors.wrong[0]
    assert editors.edits > 4 * len(editors.crons)
    wrong = {cron: fault for cron in edited if (fault := fault_of(ticks[cron]))}
    assert not wrong, f"{len(wrong)} crons: {dict(list(wrong.items())[:3])}"
    twice = {
        cron: [second for second, times in each.items() if times > 1]
        for cron, each in ticks.items()
        if max(each.values()) > 1
    }
    assert not twice, f"moments with two records: {twice}"
    calls = Counter(_call(request.headers) for request in stage.target.received)
    repeated = {call: times for call, times in calls.items() if times > 1}
    assert not repeated, f"{len(repeated)} moments were called more than once: {list(repeated.items())[:3]}"


def _call(headers: Mapping[str, str]) -> tuple[str, str]:
    return headers["Recuro-Cron-Id"], headers["Recuro-Scheduled-At"]


def _shift(clock: Path, seconds: float) -> None:
    fresh = clock.with_suffix(".fresh")  # a reader must never see half a line
    fresh.write_text(f"{seconds:+.3f}\n")
    fresh.rename(clock)


BOUNDED = (crons_edited_as_they_fire,)
LONG = ()
