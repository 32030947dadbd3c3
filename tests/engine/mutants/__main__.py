"""Break the Lua in one place at a time and see that a test fails: `python -m tests.engine.mutants`."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tests.engine.mutants.mutation import Mutation, Places
from tests.engine.mutants.mutations import MUTATIONS

ROOT = Path(__file__).parents[3]
SIDE_BY_SIDE = 2
PATIENCE_SECONDS = 1800
TEST_SECONDS = 300
"""For one test; the longest needs a tenth of it. One that goes on for so long does not end: it has noticed."""
PASSED = "no test failed"
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
    "tests/api/bulk/test_background.py",
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
"""Quick ones that look at the scripts, the quickest first; the first failure ends a run."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the mutation was noticed, and by what: a test, or why it could not be made."""

    number: int
    is_caught: bool
    said: str
    seconds: float


class Trees:
    """Copies of what the tests need, one for each run at a time; the checkout itself is never touched."""

    def __init__(self, folder: Path) -> None:
        self._free: SimpleQueue[Path] = SimpleQueue()
        self.sound = shutil.copytree(ROOT / "shared", folder / "shared")
        for number in range(SIDE_BY_SIDE):
            tree = folder / str(number)
            for folder_of in ("services", "tests", "docs"):  # some tests take their examples from a page
                shutil.copytree(ROOT / folder_of, tree / folder_of)
            shutil.copy(ROOT / "pyproject.toml", tree)
            self._free.put(tree)

    def run(self, mutation: Mutation | None, seed: int | None) -> tuple[bool, str]:
        """Whether the tests failed, and the first that did; without a mutation they should not."""
        tree = self._free.get()
        try:
            shutil.rmtree(tree / "shared", ignore_errors=True)
            shutil.copytree(self.sound, tree / "shared")
            if mutation:
                ((script, text),) = Places(tree / "shared" / "store" / "lua").texts_of(mutation)
                script.write_text(text)
            return _test(tree, seed)
        finally:
            self._free.put(tree)


def _test(tree: Path, seed: int | None) -> tuple[bool, str]:
    options = ["-x", "-q", "--tb=no", "-p", "no:cacheprovider", "-p", "no:xdist"]
    options += ["-o", f"faulthandler_timeout={TEST_SECONDS}", "-o", "faulthandler_exit_on_timeout=true"]
    if seed is not None:
        options.append(f"--hypothesis-seed={seed}")
    environment = os.environ | {
        "PYTHONPATH": str(tree),  # before the checkout, which an editable install puts on the path
        "RECURO_NO_SHRINK": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(tree / ".hypothesis"),
    }
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *TESTS],
            cwd=tree, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return False, f"the tests did not end within {PATIENCE_SECONDS} s"
    if not ended.returncode:
        return False, PASSED
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", ended.stdout, re.M)
    if ended.stderr.startswith("Timeout ("):
        return True, f"a test did not end within {TEST_SECONDS} s"
    return True, failed[1] if failed else ended.stdout[-300:]


def judge(trees: Trees, number: int, seed: int | None) -> Verdict:
    mutation, began = MUTATIONS[number], time.monotonic()
    found = len(Places(trees.sound / "store" / "lua").texts_of(mutation))
    if found != 1:
        return Verdict(number, False, f"its pattern is there {found} times", 0.0)
    is_caught, said = trees.run(mutation, seed)
    return Verdict(number, is_caught, said, time.monotonic() - began)


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
        trees = Trees(Path(folder))
        sound = pool.submit(trees.run, None, options.seed)
        verdicts = [pool.submit(judge, trees, number, options.seed) for number in chosen]
        if sound.result() != (False, PASSED):
            pool.shutdown(cancel_futures=True)
            print(f"The tests do not pass without any mutation: {sound.result()[1]}")
            return 2
        survived = 0
        for verdict in verdicts:
            _say(verdict.result())
            survived += not verdict.result().is_caught
    print(f"{len(chosen) - survived} of {len(chosen)} caught")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
