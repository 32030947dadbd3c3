"""Schedulers with two releases of the time zone rules side by side, around fires of zones whose rules changed."""

import asyncio
import shutil
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from importlib.resources import as_file, files
from pathlib import Path

from shared.schedule import zone_data
from tests.faults.parts.installation import Options
from tests.faults.stage import Scene, Stage, playing

OLDER = "2000a"
CHANGED = (
    *(
        "America/Vancouver",
        "America/Edmonton",
        "America/Winnipeg",
        "America/Inuvik",
        "America/Havana",
        "Cuba",
    ),
    *("America/Rainy_River", "America/Yellowknife", "Canada/Pacific", "Canada/Mountain", "Canada/Central"),
    *("Africa/Casablanca", "Africa/El_Aaiun"),
)
"""Zones whose rules changed in 2026."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LASTS, AHEAD, TAKES_OVER = timedelta(seconds=len(CHANGED)), timedelta(seconds=25), timedelta(seconds=40)
"""From the first fire to the last; to the first one from when its cron is made; and from the end of the last newer
scheduler until another takes over."""


async def two_releases_side_by_side(scene: Scene) -> None:
    """Every fire comes once and by the newer rules, whoever dies; with only older ones left nothing is moved."""
    older = _older(scene.folder / "older")
    async with playing(scene, Options(services=("api", "worker", "scheduler"))) as stage:
        for _ in range(2):
            stage.installation.start("scheduler", **older)
        stage.installation.wait_until_ready()
        at = _soon(AHEAD)
        # By the older rules the latter fire now.
        right, early = _crons(stage, at), _crons(stage, at + HOUR)
        await _until_past(scene, stage, at + LASTS, older)
        assert _fires(stage, right) == Counter(right.keys()), "each fires once"
        assert _fires(stage, early) == Counter(), "none by the older rules"
        assert _next_runs(stage, right) == {cron: fire + DAY for cron, fire in right.items()}
        assert _next_runs(stage, early) == early
        if not scene.is_small:
            await _only_older_are_left(stage, older)
        stage.stop_crons()
        await stage.settle()


async def _only_older_are_left(stage: Stage, older: dict[str, str]) -> None:
    for process in stage.installation.of("scheduler"):
        stage.kill(process)
    at = _soon(TAKES_OVER + AHEAD)
    crons = _crons(stage, at)
    for _ in range(2):
        stage.installation.start("scheduler", **older)
    await _passes(at + LASTS + timedelta(seconds=10))
    assert _fires(stage, crons) == Counter(crons.keys()), "each fires once, by the rules that computed it"
    again = {cron for cron, fire in _next_runs(stage, crons).items() if fire < crons[cron] + DAY}
    assert again == set(), "none is due again within the day"


async def _until_past(scene: Scene, stage: Stage, at: datetime, older: dict[str, str]) -> None:
    """Until the moment is over, kill and start schedulers of both kinds, but keep one newer alive."""
    while datetime.now(UTC) < at + timedelta(seconds=5):
        await asyncio.sleep(scene.rng.uniform(1.0, 4.0))  # between two faults
        _, *others = stage.installation.of("scheduler")
        stage.kill(scene.rng.choice(others))
        stage.installation.start("scheduler", **scene.rng.choice([older, {}]))


def _older(folder: Path) -> dict[str, str]:
    """The environment of a process whose pinned release is older: there the changed zones are an hour behind."""
    with as_file(files("tzdata")) as package:
        shutil.copytree(package, folder / "tzdata")
    (folder / "tzdata" / "__init__.py").write_text(f'IANA_VERSION = "{OLDER}"\n')
    zones, now = folder / "tzdata" / "zoneinfo", datetime.now(UTC)
    for name in CHANGED:
        offset = now.astimezone(zone_data.zone(name)).utcoffset()
        assert offset is not None
        west = -offset // HOUR + 1  # these names count to the west
        shutil.copy(zones / "Etc" / f"GMT{west:+d}", zones / name)
    return {"PYTHONPATH": str(folder), "PYTHONTZPATH": ""}


def _soon(after: timedelta) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + after


def _crons(stage: Stage, at: datetime) -> dict[int, datetime]:
    """A cron for each zone and second from then on, daily at the wall-clock time that the zone has then."""
    made = {}
    for number, zone in enumerate(CHANGED):
        fire = at + timedelta(seconds=number)
        wall = fire.astimezone(zone_data.zone(zone))
        expression = f"{wall.second} {wall.minute} {wall.hour} * * *"
        cron = {"name": zone, "url": stage.url("/cron"), "cron_expression": expression, "timezone": zone}
        answer = stage.installation.client.post("/api/crons", json=cron)
        assert answer.status_code == 201, answer.text
        made[int(answer.json()["id"])] = fire
    return made


def _fires(stage: Stage, crons: Iterable[int]) -> Counter[int]:
    """How many executions each has."""
    found: Counter[int] = Counter()
    for cron in crons:
        found[cron] = stage.installation.client.get(f"/api/crons/{cron}/executions").json()["total"]
    return +found


def _next_runs(stage: Stage, crons: Iterable[int]) -> dict[int, datetime]:
    shown = {cron: stage.installation.client.get(f"/api/crons/{cron}").json() for cron in crons}
    return {cron: datetime.fromisoformat(one["next_run_at"]) for cron, one in shown.items()}


async def _passes(moment: datetime) -> None:
    await asyncio.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))


BOUNDED = (two_releases_side_by_side,)
LONG = ()
