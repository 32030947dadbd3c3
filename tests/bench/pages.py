"""The pages of docs/ that measurements write: only a full run replaces one."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench.stage import ROOT

DOCS = ROOT / "docs"


def add_output(parser: argparse.ArgumentParser, page: Path) -> None:
    parser.add_argument(
        "--output", type=Path, help=f"where the page goes; without it a full run writes docs/{page.name}"
    )


def positive(text: str) -> int:
    """For argparse, which tells of it in a sentence and exits with 2."""
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, got {text}")
    return int(text)


def fewer(options: argparse.Namespace, full: dict[str, int]) -> list[str]:
    """What a full run has more of than this one."""
    return [
        f"--{name} {getattr(options, name):g} is fewer than {least:,}"
        for name, least in full.items()
        if getattr(options, name) < least
    ]


def put(text: str, page: Path, output: Path | None, missing: Sequence[str]) -> None:
    """Print a page, and write it to where it was asked for, or to docs/ if nothing is missing of a full run."""
    print(text)
    if output or not missing:
        (output or page).write_text(text)
        return
    reasons = "; ".join(missing)
    print(f"{page.name} stays as it is: {reasons}. --output FILE writes the page anyway.", file=sys.stderr)
