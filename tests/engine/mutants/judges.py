"""Processes that have imported all tests once, and run some of them again and again, each time in a fork.

As a program (`python -m tests.engine.mutants.judges TEST…`) it is such a process: a line of its input is what to
run, and a line of its output is the exit code of pytest, or minus the signal that ended it.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from shared.store.transitions import functions, library

PATIENCE_SECONDS = 1800
TEST_SECONDS = 300
"""For one test; the longest needs a tenth of it. One that goes on for so long does not end: it has noticed."""
PASSED = "no test failed"
OVERDUE = f"the tests did not end within {PATIENCE_SECONDS} s"
_OPTIONS = ("-x", "-q", "--tb=no", "-p", "no:cacheprovider", "-p", "anyio", "-p", "hypothesispytest")
_HANGING = ("-o", f"faulthandler_timeout={TEST_SECONDS}", "-o", "faulthandler_exit_on_timeout=true")
_SAID = "said.txt"


class Judge:
    """Runs tests of the tree in which it is started, on the Lua that is there then."""

    def __init__(self, tree: Path, tests: Sequence[str], seed: int | None) -> None:
        self.tree = tree
        self._options = [] if seed is None else [f"--hypothesis-seed={seed}"]
        environment = os.environ | {
            "PYTHONPATH": str(tree),  # before the checkout, which an editable install puts on the path
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # loading those of no use here takes as long as the tests
            "RECURO_NO_SHRINK": "1",
            "HYPOTHESIS_STORAGE_DIRECTORY": str(tree / ".hypothesis"),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, *tests],
            cwd=tree, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def has_imported(self) -> None:
        """Until then the tree must stay as it is."""
        assert self._process.stdout
        self._process.stdout.readline()

    def run(
        self, tests: Sequence[str], options: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> str:
        """The first test that failed, or that none did."""
        assert self._process.stdin
        assert self._process.stdout
        asked = {"arguments": [*self._options, *options, *tests], "environment": environment or {}}
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        code, said = int(self._process.stdout.readline()), (self.tree / _SAID).read_text(errors="replace")
        if not code:
            return PASSED
        if code == -signal.SIGALRM:
            return OVERDUE
        if "Timeout (" in said:
            return f"a test did not end within {TEST_SECONDS} s"
        failed = re.search(r"^(?:FAILED|ERROR) (\S+)", said, re.M)
        return failed[1] if failed else said[-300:]

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


def _run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    said = os.open(_SAID, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(said, sys.stdout.fileno())
    os.dup2(said, sys.stderr.fileno())
    os.environ.update(environment)
    signal.alarm(PATIENCE_SECONDS)
    functions.library.body = library.whole()  # as the files are by now
    vars(functions.library).pop("name", None)
    return pytest.main([*_OPTIONS, *_HANGING, *arguments])


def main(tests: Sequence[str]) -> None:
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    print(int(pytest.main([*_OPTIONS, "--collect-only", *tests])), file=answers, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if not child:
            os._exit(_run(asked["arguments"], asked["environment"]))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
