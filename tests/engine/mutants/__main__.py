"""Break the Lua in one place at a time and see that a test fails: `python -m tests.engine.mutants`."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tests.engine.mutants import reach
from tests.engine.mutants.mutation import Places
from tests.engine.mutants.mutations import MUTATIONS
from tests.engine.mutants.reach import Reach

ROOT = Path(__file__).parents[3]
SIDE_BY_SIDE = 2
PATIENCE_SECONDS = 1800
TEST_SECONDS = 300
"""For one test; the longest needs a tenth of it. One that goes on for so long does not end: it has noticed."""
LIKELY = 25
"""So many tests run first, by themselves: to collect hundreds takes longer than to run these."""
PASSED = "no test failed"
OVERDUE = f"the tests did not end within {PATIENCE_SECONDS} s"
TESTS = (
    "tests/worker/test_redaction.py",
    "tests/api/work/test_labels.py",
    "tests/engine/test_edges.py",
    "tests/engine/test_vouched.py",
    "tests/engine/test_library.py",
    "tests/worker/intake/test_claims.py",
    "tests/worker/intake/test_endings.py",
    "tests/worker/intake/test_turns.py",
    "tests/worker/intake/test_keys.py",
    "tests/engine/test_keys.py",
    "tests/api/crons/test_pauses.py",
    "tests/api/crons/test_strips.py",
    "tests/runtime/test_health.py",
    "tests/store/test_idempotency.py",
    "tests/store/test_trail.py",
    "tests/actions/test_jobs.py",
    "tests/actions/test_queues.py",
    "tests/actions/test_stats.py",
    "tests/worker/intake/test_intents.py",
    "tests/worker/notices/test_callbacks.py",
    "tests/worker/intake/test_usage.py",
    "tests/worker/notices/test_alerts.py",
    "tests/worker/notices/test_channels.py",
    "tests/api/work/test_dead_letters.py",
    "tests/redrive",
    "tests/api/work/test_waiting.py",
    "tests/api/work/test_moments.py",
    "tests/engine/test_problems.py",
    "tests/worker/notices/test_incidents.py",
    "tests/api/crons/test_problems.py",
    "tests/scheduler",
    "tests/api/crons/test_all_executions.py",
    "tests/api/crons/test_coming.py",
    "tests/api/crons/test_backfills.py",
    "tests/engine/test_crons.py",
    "tests/engine/test_damage.py",
    "tests/worker/test_dispatch.py",
    "tests/store/test_accounts.py",
    "tests/actions",
    "tests/api/accounts/test_team.py",
    "tests/api/accounts/test_members.py",
    "tests/api/accounts/test_invitations.py",
    "tests/engine/test_state_machine.py",
)
"""Those that look at the Lua. A mutation is judged by those of them that get to its place."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the mutation was noticed, and by what: a test, or why it could not be made."""

    number: int
    is_caught: bool
    said: str
    seconds: float


class Trees:
    """Copies of what the tests need, one for each run at a time; the checkout itself is never touched."""

    def __init__(self, folder: Path, seed: int | None) -> None:
        self._seed = seed
        self._free: SimpleQueue[Path] = SimpleQueue()
        self.sound = shutil.copytree(ROOT / "shared", folder / "shared")
        self.places = Places(self.sound / "store" / "lua")
        for number in range(SIDE_BY_SIDE):
            tree = folder / str(number)
            for folder_of in ("services", "tests", "docs"):  # some tests take their examples from a page
                shutil.copytree(ROOT / folder_of, tree / folder_of)
            shutil.copy(ROOT / "pyproject.toml", tree)
            self._free.put(tree)

    def run(self, change: Callable[[Path], None], tests: Sequence[str], notes: Path | None = None) -> str:
        """The first test that failed once `change` was made to the Lua in a folder, or that none did."""
        tree = self._free.get()
        try:
            shutil.rmtree(tree / "shared", ignore_errors=True)
            shutil.copytree(self.sound, tree / "shared")
            change(tree / "shared" / "store" / "lua")
            return _test(tree, tests, self._seed, notes)
        finally:
            self._free.put(tree)


def _test(tree: Path, tests: Sequence[str], seed: int | None, notes: Path | None) -> str:
    options = ["-x", "-q", "--tb=no", "-p", "no:cacheprovider", "-p", "anyio", "-p", "hypothesispytest"]
    options += ["-o", f"faulthandler_timeout={TEST_SECONDS}", "-o", "faulthandler_exit_on_timeout=true"]
    environment = os.environ | {
        "PYTHONPATH": str(tree),  # before the checkout, which an editable install puts on the path
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # loading those of no use here takes as long as the tests
        "RECURO_NO_SHRINK": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(tree / ".hypothesis"),
    }
    if seed is not None:
        options.append(f"--hypothesis-seed={seed}")
    if notes:
        options += ["-p", reach.__name__, "--basetemp", str(tree / "temporary")]
        environment[reach.OUTPUT] = str(notes)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *tests],
            cwd=tree, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return OVERDUE
    if not ended.returncode:
        return PASSED
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", ended.stdout, re.M)
    if ended.stderr.startswith("Timeout ("):
        return f"a test did not end within {TEST_SECONDS} s"
    return failed[1] if failed else ended.stdout[-300:]


def judge(trees: Trees, known: Mapping[str, Reach], number: int) -> Verdict:
    """Run the tests that get to the place of the mutation, until one fails."""
    mutation, began = MUTATIONS[number], time.monotonic()
    found = len(trees.places.texts_of(mutation))
    if found != 1:
        return Verdict(number, False, f"its pattern is there {found} times", 0.0)
    tests = reach.judges_of(known, trees.places.functions_of(mutation.place))
    if not tests:
        return Verdict(number, False, "no test gets there", 0.0)

    def change(folder: Path) -> None:
        ((script, text),) = Places(folder).texts_of(mutation)
        script.write_text(text)

    said = trees.run(change, tests[:LIKELY])
    if said == PASSED and tests[LIKELY:]:
        said = trees.run(change, tests[LIKELY:])
    return Verdict(number, said not in (PASSED, OVERDUE), said, time.monotonic() - began)


def _say(verdict: Verdict) -> None:
    mutation = MUTATIONS[verdict.number]
    word = "caught  " if verdict.is_caught else "SURVIVED"
    place = f"{verdict.number:3} {word} {verdict.seconds:4.0f} s  {mutation.place}: {mutation.breaks}"
    print(f"{place}  [{verdict.said}]", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if every mutation was noticed, 1 if one survived, 2 if the tests fail or hang without any."""
    asked = argparse.ArgumentParser(prog="python -m tests.engine.mutants", description=__doc__)
    asked.add_argument(
        "--seed", type=int, help="of the state machine; without it the same examples each time"
    )
    asked.add_argument("--only", type=int, nargs="+", help="numbers of mutations")
    asked.add_argument("--bounded", action="store_true", help="only a dozen, for a gate")
    options = asked.parse_args(arguments)
    chosen = options.only or [
        number for number, one in enumerate(MUTATIONS) if one.is_quick or not options.bounded
    ]
    with (
        tempfile.TemporaryDirectory(prefix="recuro-mutants-") as folder,
        ThreadPoolExecutor(SIDE_BY_SIDE) as pool,
    ):
        trees = Trees(Path(folder), options.seed)
        notes = [Path(folder) / f"{number}.jsonl" for number in range(SIDE_BY_SIDE)]
        parts = [TESTS[number::SIDE_BY_SIDE] for number in range(SIDE_BY_SIDE)]
        for failed in pool.map(trees.run, [reach.watch] * SIDE_BY_SIDE, parts, notes):
            if failed != PASSED:
                print(f"The tests do not pass without any mutation: {failed}")
                return 2
        known = reach.read(notes)
        verdicts = [pool.submit(judge, trees, known, number) for number in chosen]
        survived = 0
        for verdict in verdicts:
            _say(verdict.result())
            survived += not verdict.result().is_caught
    print(f"{len(chosen) - survived} of {len(chosen)} caught")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
