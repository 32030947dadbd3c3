"""`make help` lists every target that somebody may ask for."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()


def test_help_lists_all_that_there_is() -> None:
    said = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    listed = [line.split()[0] for line in said.splitlines()]

    assert listed == re.findall(r"^([a-z]+):", MAKEFILE, re.M)
    assert {"dev", "test", "check", "fix", "cov", "bench", "faults", "mutants"} <= {*listed}
    assert {"soak", "ci", "lock", "release"} <= {*listed}


def test_no_target_is_taken_for_a_file() -> None:
    (phony,) = re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.M)

    assert sorted(phony.split()) == sorted(re.findall(r"^([a-z]+):", MAKEFILE, re.M))
