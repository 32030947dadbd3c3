"""Pages that are live for minutes while much changes: `python -m tests.bench.web.live`, which needs Chromium.

A real API and Redis, in which transitions change so many things a second. First streams are opened alone, one of each kind of page, and
many of one: what does that cost Redis? Then Chromium shows four pages for minutes: do they grow, and does what the pointer rests on move?
"""

import argparse
import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import uvloop
from redis.asyncio import Redis

from services.api.pages.live.stream import MOST_OF_A_SESSION
from shared.security.tokens import CACHE_SECONDS
from shared.store import keyspace
from tests.bench import pages
from tests.bench.api import asked
from tests.bench.api.measured import Api
from tests.bench.api.stocked import stocked
from tests.bench.readings import cpu_seconds
from tests.bench.web import streams, watched
from tests.bench.web.changes import Changes, changing
from tests.bench.web.report import Part, put
from tests.bench.web.streams import Cost
from tests.bench.web.visiting import signed_in
from tests.bench.web.watched import Sample

FULL = {"minutes": 10, "changes": 500, "jobs": 20_000, "crons": 1_000}
KINDS = (
    *(
        "/t/1",
        "/t/1/crons",
        "/t/1/crons/1",
        "/t/1/crons/500/fires/{execution}",
        "/t/1/jobs",
        "/t/1/jobs/{job}",
    ),
    *("/t/1/queues", "/t/1/queues/1", "/t/1/dead-letters", "/t/1/dead-letters?view=one"),
    *(
        "/t/1/dead-letters/{problem}",
        "/t/1/replays",
        "/t/1/replays/{replay}",
        "/t/1/alerts",
        "/t/1/alerts/{alert}",
    ),
    "/system",
)
MANY_OF = "/t/1/jobs"


class Minute(NamedTuple):
    """What was so after so many minutes, and since the sample before."""

    at: float
    pages: Mapping[str, Sample]
    api_memory: int
    api_cpu: float
    trips: float
    changes: float


async def _streams(
    redis: Redis, api: Api, changes: Changes, names: Mapping[str, str], idle: float
) -> list[Cost]:
    cookies = [await signed_in(redis, api) for _ in range(1 + max(streams.MANY) // MOST_OF_A_SESSION)]
    found = []
    for path, many in [*((path, 1) for path in KINDS), *((MANY_OF, many) for many in streams.MANY[1:])]:
        shown = path.format_map(names)
        found.append(await streams.cost(redis, api, changes, shown, cookies, many, idle))
        print(found[-1], flush=True)
    return found


async def _watch(redis: Redis, api: Api, changes: Changes, minutes: int, idle: float) -> list[Minute]:
    address = str(api.client.base_url).rstrip("/")
    found, began = [], time.monotonic()
    async with watched.watching(address, await signed_in(redis, api)) as seen:
        for number in range(minutes + 1):
            cpu, made, at = cpu_seconds(api.pid), changes.made, time.monotonic()
            left = began + 60 * number - at if number else 15.0
            trips = await streams.trips_a_second(redis, changes, max(1.0, left))
            spent = time.monotonic() - at
            now = Minute(
                (time.monotonic() - began) / 60,
                await watched.samples(seen),
                _memory(api.pid),
                (cpu_seconds(api.pid) - cpu) / spent,
                trips - idle,
                (changes.made - made) / spent,
            )
            found.append(now)
            print(now, flush=True)
    return found


def _memory(pid: int) -> int:
    """Resident bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def _measure(options: argparse.Namespace) -> tuple[list[Cost], list[Minute]]:
    async with stocked(options.jobs, options.crons, each=30) as (redis, (api,)):
        names, team = await asked.names(api.client, options.jobs), keyspace.Team(1)
        async with changing(redis, team, options.changes, options.crons) as changes:
            # What the API does anyway, and what large commands of the changes take beside one.
            idle = min([await streams.trips_a_second(redis, changes, streams.SECONDS) for _ in range(3)])
            print(f"without any: {idle:.1f} round trips a second", flush=True)
            costs = await _streams(redis, api, changes, names, idle)
            return costs, await _watch(redis, api, changes, options.minutes, idle)


def _row(path: str, minutes: Sequence[Minute]) -> str:
    """A page from its first sample to its last."""
    first, last = minutes[0].pages[path], minutes[-1].pages[path]
    half = minutes[len(minutes) // 2].pages[path]
    heaps = " | ".join(f"{one.heap / 2**20:.1f}" for one in (first, half, last))
    nodes = " | ".join(f"{one.nodes:,}" for one in (first, half, last))
    return f"| `{path}` | {heaps} | {nodes} | {last.listeners - first.listeners:+,} | {last.changed:,} | {last.moved} |"


def _server(minutes: Sequence[Minute]) -> str:
    later = minutes[1:] or minutes
    mib = [one.api_memory / 2**20 for one in minutes]
    mean = [
        sum(values) / len(later)
        for values in zip(*((one.changes, one.api_cpu, one.trips) for one in later), strict=True)
    ]
    return (
        f"* {mean[0]:.0f} changes a second were made. The process of the API took {100 * mean[1]:.0f} % of a core, and had "
        f"{mib[0]:.0f} MiB at first, {mib[len(mib) // 2]:.0f} MiB half-way and {mib[-1]:.0f} MiB at the end. Redis read "
        f"{mean[2]:.1f} times a second for these pages, all four."
    )


def _part(options: argparse.Namespace, costs: Sequence[Cost], minutes: Sequence[Minute], load: float) -> str:
    given = " ".join(f"--{name} {getattr(options, name)}" for name in FULL)
    return "\n".join(
        (
            Part.LIVE,
            "",
            f"* Command: `python -m tests.bench.web.live {given}`, on {time.strftime('%Y-%m-%d')}; {os.cpu_count()} cores, load "
            f"{load:.1f} before.",
            f"* One API process, {options.crons:,} crons and {options.jobs:,} jobs, and {options.changes:,} changes wanted a second, made by "
            "transitions: jobs and fires that are made, and that end.",
            "* Round trips: how often Redis reads from connections beside what it does without any page, for "
            f"{streams.SECONDS:.0f} s; under 5 a second are wanted of a page. Readers: connections that wait for events.",
            f"* A session has {MOST_OF_A_SESSION} streams here, and is looked up every {CACHE_SECONDS:.0f} s.",
            "",
            "| page | streams | round trips a second | readers | CPU of the API | events sent |",
            "|---|---|---|---|---|---|",
            *map(str, costs),
            "",
            f"Chromium showed four pages for {minutes[-1].at:.0f} minutes, the pointer at rest on a row or a lane of each. Heap and nodes after "
            "garbage was collected: at first, half-way, at the end. Moved: how often what is under the pointer stood elsewhere in a frame.",
            "",
            _server(minutes),
            "",
            "| page | heap, MiB | | | nodes | | | listeners | changes of the DOM | moved |",
            "|---|---|---|---|---|---|---|---|---|---|",
            *(_row(path, minutes) for path in minutes[0].pages),
            "",
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.web.live", description=__doc__)
    for name, least in FULL.items():
        parser.add_argument(f"--{name}", type=pages.positive, default=least, help="(%(default)s)")
    pages.add_output(parser, Part.LIVE.page)
    options, load = parser.parse_args(), os.getloadavg()[0]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        costs, minutes = runner.run(_measure(options))
    put(Part.LIVE, _part(options, costs, minutes, load), options.output, pages.fewer(options, FULL))


if __name__ == "__main__":
    main()
