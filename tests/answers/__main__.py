"""`python -m tests.answers`: what odd but real answers become in our client and in others; writes docs/answers.md."""

import argparse
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tests.answers.page import is_refused_alone, page, summary
from tests.answers.peers import CLIENTS, versions
from tests.answers.server import Server
from tests.answers.table import PARTS, ROWS

PAGE = Path(__file__).parents[2] / "docs" / "answers.md"
RUN = """Each line is an answer that some server or proxy gives: the bytes stand in `tests/answers/`. Every client asks
once, on a connection of its own, as it is after installation: {versions}.

* A number is the status of an answer that was taken, with its body. "cut": what came is kept, and marked
  `response_truncated`. "another body": read in another way, such as a packed body that is left packed.
* In italics is what a client said that refused; before it the status, where the client told one.
* Command: `python -m tests.answers`, which wrote this page on {today}. It fails when ours refuses an answer that curl and
  two others read, with the same status and body.
* `make servers` calls real servers, each with every method, on kept connections and at their idle limit: nginx, Apache,
  lighttpd, haproxy, caddy, PHP, puma, node, express, fastify, uvicorn, hypercorn, gunicorn and the JDK's."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.answers", description=__doc__)
    parser.add_argument("--dry", action="store_true", help="print the page instead of writing it")
    dry = parser.parse_args().dry
    with tempfile.TemporaryDirectory(prefix="recuro-answers-") as name, Server(ROWS, Path(name)) as server:
        asked = {client: ask(server, ROWS) for client, ask in CLIENTS.items()}
    found = {row: {name: asked[name][at] for name in CLIENTS} for at, row in enumerate(ROWS)}
    run = RUN.format(versions=versions(), today=f"{datetime.now(UTC):%Y-%m-%d}")
    text = page({part: {row: found[row] for row in rows} for part, rows in PARTS.items()}, run)
    if dry:
        print(text)
    else:
        PAGE.write_text(text)
    print(summary(found))
    alone = [row for row in ROWS if is_refused_alone(found[row])]
    for row in alone:
        verdict = found[row]["ours"]
        print(f"refused by ours alone: {row.name}: {row.answer[:80]!r}: {verdict.status}, {verdict.refusal}")
    sys.exit(1 if alone else 0)


if __name__ == "__main__":
    main()
