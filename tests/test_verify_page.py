"""The examples of docs/verify.md, each run by its own language on requests that are signed as the worker signs."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared import signing

PAGE = (Path(__file__).parents[1] / "docs" / "verify.md").read_text()
SECRET, OTHER = signing.new_secret(), signing.new_secret()
BODY = '{"event":"job.completed","name":"Zoë","n":1}\n'.encode()
PYTHON = """
import json, sys
asked = json.load(sys.stdin)
print(json.dumps([is_genuine(one["secret"], one["headers"], bytes.fromhex(one["body"])) for one in asked]))
"""
NODE = """
const asked = JSON.parse(require("node:fs").readFileSync(0));
console.log(JSON.stringify(asked.map((one) => isGenuine(one.secret, one.headers, Buffer.from(one.body, "hex")))));
"""
PHP = """
$asked = json_decode(stream_get_contents(STDIN), true);
echo json_encode(array_map(fn($one) => is_genuine($one['secret'], $one['headers'], hex2bin($one['body'])), $asked));
"""
RUNS = {
    "library": ((sys.executable, "-c"), PYTHON),
    "python": ((sys.executable, "-c"), PYTHON),
    "node": (("node", "-e"), NODE),
    "php": (("php", "-r"), PHP),
}


@dataclass(frozen=True, slots=True)
class Case:
    """What arrives where `secret` is expected, and whether it shall be taken."""

    name: str
    secrets: Sequence[str] = (SECRET,)
    secret: str = SECRET
    age_seconds: int = 0
    body: bytes = BODY
    is_genuine: bool = False

    def asked(self, now: int) -> dict[str, object]:
        headers = signing.headers_of(self.secrets, "job-1-1", BODY, now - self.age_seconds)
        lower = {name.lower(): value for name, value in headers.items()}
        return {"secret": self.secret, "headers": lower, "body": self.body.hex()}


CASES = (
    Case("good", is_genuine=True),
    Case("good, four minutes old", age_seconds=240, is_genuine=True),
    Case("good, the new secret while both are valid", (OTHER, SECRET), OTHER, is_genuine=True),
    Case("good, the old secret while both are valid", (OTHER, SECRET), SECRET, is_genuine=True),
    Case("a flipped bit", body=bytes([BODY[0] ^ 1]) + BODY[1:]),
    Case("a byte less", body=BODY[:-1]),
    Case("six minutes old", age_seconds=360),
    Case("six minutes early", age_seconds=-360),
    Case("another secret", secret=OTHER),
)


def example(name: str) -> str:
    (found,) = re.findall(rf"```\w+ name={name}\n(.*?)```", PAGE, re.S)
    return str(found)


@pytest.mark.parametrize("name", RUNS)
def test_an_example_takes_what_is_genuine_and_nothing_else(name: str) -> None:
    command, harness = RUNS[name]
    if not shutil.which(command[0]):
        if os.environ.get("RECURO_TEST_ALL"):
            pytest.fail(f"{command[0]} is not installed, and RECURO_TEST_ALL asks for all tests")
        pytest.skip(f"{command[0]} is not installed here; CI runs this")
    asked = json.dumps([case.asked(int(time.time())) for case in CASES])

    program = [*command, example(name) + harness]
    answer = subprocess.run(program, input=asked, capture_output=True, text=True, timeout=30, check=True)

    said = dict(zip([case.name for case in CASES], json.loads(answer.stdout), strict=True))
    assert said == {case.name: case.is_genuine for case in CASES}


def test_every_example_of_the_page_is_run() -> None:
    assert re.findall(r"```\w+ name=(\w+)", PAGE) == list(RUNS)
