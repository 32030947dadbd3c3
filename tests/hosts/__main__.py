"""`python -m tests.hosts`: what hosts are made of calls every tool, over HTTP and by both bridges.

Whatever is needed is installed into a cache, by npm and uv. Parts: those of PARTS, or `--bounded` for what CI does.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

from services.cli import embedded
from tests.hosts import clients, commands, installs, models, suites
from tests.hosts.places import Places
from tests.hosts.stage import Stage
from tests.mcp.clients import Gateway

PARTS = {
    "installs": installs.installs,
    "typescript": clients.typescript,
    "python": clients.python,
    "proxies": clients.proxies,
    "models": models.models,
    "inspector": suites.inspector,
    "conformance": suites.conformance,
    "commands": commands.commands,
}
BOUNDED = (clients.bounded,)
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "recuro-hosts"


def main() -> int:
    """1 if anything went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.hosts", description=__doc__)
    parser.add_argument("--only", choices=tuple(PARTS), action="append")
    parser.add_argument("--bounded", action="store_true", help="what is quick and needs no npm")
    parser.add_argument("--cache", type=Path, default=CACHE, help="(%(default)s)")
    given = parser.parse_args()
    chosen = BOUNDED if given.bounded else [PARTS[name] for name in given.only or PARTS]
    with tempfile.TemporaryDirectory(prefix="recuro-hosts-redis-") as folder:
        server = embedded.start(Path(folder))
        gateway = Gateway(server.url)
        stage = Stage(Places(given.cache), gateway, server.url)
        try:
            asyncio.run(gateway.start())
            for part in chosen:
                part(stage)
        finally:
            gateway.stop()
            server.stop()
    for problem in stage.problems:
        print(problem)
    print(f"hosts: {len(stage.problems)} problems")
    return 1 if stage.problems else 0


if __name__ == "__main__":
    sys.exit(main())
