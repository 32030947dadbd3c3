"""`python -m tests.answers.servers`: our client beside curl, before real servers from Debian, npm and PyPI."""

import argparse
import asyncio
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import uvloop

from tests.answers.servers.programs import APPLICATION, PROGRAMS, install, running
from tests.answers.servers.trial import Found, summary, tried

BOUND_SECONDS = 170.0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.answers.servers", description=__doc__)
    parser.add_argument("--only", action="append", default=[], help="servers whose name contains this")
    only = parser.parse_args().only
    chosen = [one for one in PROGRAMS if not only or any(part in one.name for part in only)]
    install()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="recuro-servers-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        behind = stack.enter_context(running(APPLICATION, folder))
        assert behind, "the application behind the servers is not there"
        ports = {one.name: stack.enter_context(running(one, folder, behind)) for one in chosen}
        found = uvloop.run(_all_tried(ports))
    print("\n".join(line for name in ports for line in summary(name, found.get(name))))
    different = sum(bool(one.differences) for one in found.values())
    print(f"{len(found)} servers, {different} with differences, {time.monotonic() - began:.0f} s")
    sys.exit(1 if different or not found else 0)


async def _all_tried(ports: dict[str, int | None]) -> dict[str, Found]:
    there = {name: port for name, port in ports.items() if port}
    async with asyncio.timeout(BOUND_SECONDS):
        return dict(zip(there, await asyncio.gather(*map(tried, there.values())), strict=True))


if __name__ == "__main__":
    main()
