"""`python -m tests.answers.idle`: requests that come just when the server closes the connection; none may fail."""

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import uvloop

from tests.answers.idle import crons
from tests.answers.idle.relay import Relay
from tests.answers.idle.streams import Tally, fired
from tests.answers.servers.programs import APPLICATION, PROGRAMS, install, notes_of, running
from tests.installation import Installation

IDLE_SECONDS = 2
ONE_WAY_SECONDS = 0.040
NAMES = {"uvicorn, httptools", "node http", "gunicorn, threads", "nginx", "apache"}
CHOSEN = [one for one in PROGRAMS if one.name in NAMES]


def main() -> None:
    arguments = _arguments()
    install()
    with tempfile.TemporaryDirectory(prefix="recuro-idle-") as name, ExitStack() as stack:
        folder, ports = Path(name), {}
        folder.chmod(0o755)
        behind = stack.enter_context(running(APPLICATION, folder))
        assert behind, "the application behind the servers is not there"
        for program in CHOSEN:
            port = stack.enter_context(running(program, folder, behind, IDLE_SECONDS))
            assert port, f"{program.name} is not on this machine"
            ports[program.name] = port
            ports[f"{program.name}, 80 ms away"] = stack.enter_context(Relay(port, ONE_WAY_SECONDS)).port
        installation = (
            stack.enter_context(Installation(folder / "installation"))
            if not arguments.without_installation
            else None
        )
        tallies, fires = _played(ports, installation, arguments)
        programs = (APPLICATION, *CHOSEN)
        notes = Counter(line for program in programs for line in _lines(notes_of(program, folder)))
    failed = [_told(way, method, tally, notes) for (way, method), tally in tallies.items()]
    if fires is not None:
        failed.append(_told_of_installation(fires, notes))
    sys.exit(1 if any(failed) else 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.answers.idle", description=__doc__)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without-installation", action="store_true", help="only our sender, without crons")
    return parser.parse_args()


def _played(
    ports: dict[str, int], installation: Installation | None, arguments: argparse.Namespace
) -> tuple[dict[tuple[str, str], Tally], crons.Fired | None]:
    """Streams and crons at the same time."""
    began = time.monotonic()
    with ThreadPoolExecutor(1) as thread:
        streams = thread.submit(
            lambda: uvloop.run(fired(ports, IDLE_SECONDS, arguments.seconds, arguments.seed))
        )
        found = crons.fired(installation, ports, arguments.seconds) if installation else None
        tallies = streams.result()
    print(f"{time.monotonic() - began:.0f} s")
    return tallies, found


def _told(way: str, method: str, tally: Tally, notes: Counter[str]) -> bool:
    """Print a line; whether something is wrong with it."""
    arrived = [notes[f"key-of-{body} {body}"] for body in tally.sent]
    twice, never = sum(count > 1 for count in arrived), arrived.count(0)
    posts = f", arrived twice under one key {twice}, never {never}" if method == "POST" else ""
    print(f"{way:32} {method:4} {tally.fires:5} fires, {tally.failures.total():3} failed{posts}")
    _print_reasons(tally.failures)
    return bool(tally.failures or never or not tally.fires)


def _told_of_installation(found: crons.Fired, notes: Counter[str]) -> bool:
    """The same of the crons; a POST that arrived again under another key would be one key too many."""
    keys = Counter(line.partition(" ")[0] for line in notes.elements() if " cron " in line)
    twice = sum(count > 1 for count in keys.values())
    print(
        f"{'crons of an installation':32} {found.executions:10} fires, {found.failures.total():3} failed, "
        f"{len(keys)} keys of POSTs for {found.posts} executions, {twice} arrived twice under one key"
    )
    _print_reasons(found.failures)
    return bool(found.failures) or len(keys) != found.posts


def _print_reasons(reasons: Counter[str]) -> None:
    for reason, count in reasons.most_common():
        print(f"    {count:4} {reason}")


def _lines(path: Path) -> Iterable[str]:
    return path.read_text().splitlines() if path.exists() else []


if __name__ == "__main__":
    main()
