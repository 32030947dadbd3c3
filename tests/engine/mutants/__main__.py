"""Break the Lua in one place at a time and see that a test fails: `python -m tests.engine.mutants`."""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tests.engine.mutants import reach
from tests.engine.mutants.judges import OVERDUE, PASSED, Judge
from tests.engine.mutants.mutation import Mutation, Places
from tests.engine.mutants.mutations import MUTATIONS
from tests.engine.mutants.reach import Reach

ROOT = Path(__file__).parents[3]
SIDE_BY_SIDE = 2
LUA = Path("store") / "lua"
"""Below `shared`."""
LIKELY = 25
"""So many tests run first, by themselves: to collect hundreds takes longer than to run these."""
TESTS = (
    "tests/worker/test_redaction.py",
    "tests/api/work/test_labels.py",
    "tests/api/accounts/test_makers.py",
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
    "tests/store/test_walks.py",
    "tests/api/crons/test_sorting.py",
    "tests/actions/test_jobs.py",
    "tests/store/test_many_callers.py",
    "tests/actions/test_queues.py",
    "tests/actions/test_stats.py",
    "tests/store/test_packed_figures.py",
    "tests/store/test_passed_over.py",
    "tests/api/crons/test_searched_executions.py",
    "tests/worker/intake/test_intents.py",
    "tests/worker/notices/test_callbacks.py",
    "tests/worker/intake/test_usage.py",
    "tests/worker/notices/test_alerts.py",
    "tests/worker/notices/test_channels.py",
    "tests/api/work/test_dead_letters.py",
    "tests/redrive",
    "tests/api/work/test_waiting.py",
    "tests/api/work/test_resending.py",
    "tests/api/work/test_open_alerts.py",
    "tests/api/work/test_moments.py",
    "tests/engine/test_problems.py",
    "tests/engine/test_idle_problems.py",
    "tests/engine/test_recoveries.py",
    "tests/api/crons/test_quiet.py",
    "tests/worker/notices/test_incidents.py",
    "tests/api/crons/test_problems.py",
    "tests/scheduler",
    "tests/api/crons/test_all_executions.py",
    "tests/api/crons/test_execution_searches.py",
    "tests/api/crons/test_coming.py",
    "tests/api/crons/test_planned.py",
    "tests/api/crons/test_backfills.py",
    "tests/api/bulk/test_background.py",
    "tests/engine/test_crons.py",
    "tests/engine/test_damage.py",
    "tests/worker/test_dispatch.py",
    "tests/store/test_accounts.py",
    "tests/store/test_tokens.py",
    "tests/api/redrive",
    "tests/actions",
    "tests/api/accounts/test_team.py",
    "tests/api/accounts/test_audit.py",
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
        self._free: SimpleQueue[Judge] = SimpleQueue()
        self.sound = shutil.copytree(ROOT / "shared", folder / "shared")
        self.places = Places(self.sound / LUA)
        self._judges = []
        for number in range(SIDE_BY_SIDE):
            tree = folder / str(number)
            for folder_of in (
                "services",
                "tests",
                "docs",
                "shared",
            ):  # some tests have their examples from a page
                shutil.copytree(ROOT / folder_of, tree / folder_of)
            shutil.copy(ROOT / "pyproject.toml", tree)
            self._judges.append(Judge(tree, TESTS, seed))
        for judge in self._judges:
            judge.has_imported()
            self._free.put(judge)

    def reach(self, tests: Sequence[str], notes: Path) -> str:
        """Note what each test gets to; returns what `Judge.run` does."""
        with self._taken() as judge:
            reach.watch(judge.tree / "shared" / LUA)
            base = str(judge.tree / "temporary")
            options = ["-p", reach.__name__, "--basetemp", base]
            return judge.run(tests, options, {reach.OUTPUT: str(notes)})

    def run(self, mutation: Mutation, tests: Sequence[str]) -> str:
        """The first test that failed with the mutation, or that none did."""
        with self._taken() as judge:
            ((script, text),) = Places(judge.tree / "shared" / LUA).texts_of(mutation)
            script.write_text(text)
            return judge.run(tests)

    def close(self) -> None:
        for judge in self._judges:
            judge.end()

    @contextmanager
    def _taken(self) -> Iterator[Judge]:
        """One that nobody uses, whose Lua is as it is in the checkout."""
        judge = self._free.get()
        try:
            shutil.rmtree(judge.tree / "shared" / LUA)
            shutil.copytree(self.sound / LUA, judge.tree / "shared" / LUA)
            yield judge
        finally:
            self._free.put(judge)


def judge(trees: Trees, known: Mapping[str, Reach], number: int) -> Verdict:
    """Run the tests that get to the place of the mutation, until one fails."""
    mutation, began = MUTATIONS[number], time.monotonic()
    found = len(trees.places.texts_of(mutation))
    if found != 1:
        return Verdict(number, False, f"its pattern is there {found} times", 0.0)
    tests = reach.judges_of(known, trees.places.functions_of(mutation.place))
    if not tests:
        return Verdict(number, False, "no test gets there", 0.0)

    said = trees.run(mutation, tests[:LIKELY])
    if said == PASSED and tests[LIKELY:]:
        said = trees.run(mutation, tests[LIKELY:])
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
        closing(Trees(Path(folder), options.seed)) as trees,
        ThreadPoolExecutor(SIDE_BY_SIDE) as pool,
    ):
        notes = [Path(folder) / f"{number}.jsonl" for number in range(SIDE_BY_SIDE)]
        parts = [TESTS[number::SIDE_BY_SIDE] for number in range(SIDE_BY_SIDE)]
        for failed in pool.map(trees.reach, parts, notes):
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
