"""The page of the answers: a row an answer, a column a client."""

import re
from collections import Counter
from collections.abc import Mapping

from tests.answers.rows import Row, Taken
from tests.answers.verdicts import Verdict

OURS = "ours"
CURL = ("curl", "curl --compressed")
OTHERS = ("httpx", "aiohttp", "node fetch")
SAID_CHARACTERS = 60

Verdicts = Mapping[str, Verdict]
"""Of one row, by client."""


def is_refused_alone(verdicts: Verdicts) -> bool:
    """Whether curl and two others read the same, and ours refuses."""
    told = Counter(verdicts[name].told for name in OTHERS)
    shared = any(told[verdicts[name].told] >= 2 for name in CURL if verdicts[name].told)
    return shared and verdicts[OURS].told is None


def page(parts: Mapping[str, Mapping[Row, Verdicts]], run: str) -> str:
    """All of it; `run` says how it was made."""
    found = {row: verdicts for rows in parts.values() for row, verdicts in rows.items()}
    tables = "\n\n".join(f"## {name}\n\n{_table(rows)}" for name, rows in parts.items())
    return f"# Odd answers beside other clients\n\n{run}\n\n{tables}\n\n{summary(found)}\n"


def summary(found: Mapping[Row, Verdicts]) -> str:
    """The last line: how many each client takes, and what only ours refuses."""
    clients = (*CURL, *OTHERS, OURS)
    counts = ", ".join(
        f"{name} {sum(verdicts[name].told is not None for verdicts in found.values())}" for name in clients
    )
    alone = [row.name for row, verdicts in found.items() if is_refused_alone(verdicts)]
    return f"Of {len(found)} answers are taken: {counts}. Refused by ours, and taken by curl and two others: {len(alone)}."


def _table(rows: Mapping[Row, Verdicts]) -> str:
    clients = (*CURL, *OTHERS, OURS)
    lines = ["| | " + " | ".join(clients) + " |", "|---" * (len(clients) + 1) + "|"]
    for row, verdicts in rows.items():
        cells = [_plain(row.name), *(_cell(row, verdicts[name]) for name in clients)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(row: Row, verdict: Verdict) -> str:
    if verdict.refusal:
        kept = f"{verdict.status}, then " if verdict.status is not None else ""
        return f"{kept}*{_plain(_shortened(verdict.refusal))}*"
    wanted = row.ours.body if isinstance(row.ours, Taken) else None
    cut = ", cut" if verdict.is_truncated else ""
    other = ", another body" if wanted is not None and verdict.body != wanted else ""
    return f"{verdict.status}{cut}{other}"


def _shortened(said: str) -> str:
    """What it comes down to: without the exception's name, our own bytes, and what differs from run to run."""
    said = re.sub(r"^\w+(Error|Exception): (400, message[:=]\W*)?", "", said)
    said = re.sub(r".* HTTP/1\.1 protocol \((.*)\)", r"\1", said)
    said = re.sub(r"(\\n\s*|\n\s*)+", " ", said).partition("bytearray")[0]
    said = re.split(r":? b['\"]|['\"], url=", said)[0].replace(
        "<RawResponseMessage", "closed within the head <"
    )
    said = said.replace("Response payload is not completed: <", "").partition(" <")[0].rstrip(" :(")
    return said if len(said) <= SAID_CHARACTERS else f"{said[:SAID_CHARACTERS].rstrip()}…"


def _plain(text: str) -> str:
    """As Markdown shows it unchanged, in a cell."""
    return "".join(f"\\{letter}" if letter in r"\|*_<>[]`" else letter for letter in text)
