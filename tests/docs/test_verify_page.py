"""The examples of docs/verify.md, each run by its own language on requests that are signed as the worker signs."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shared.security import signing

PAGE = (Path(__file__).parents[2] / "docs" / "verify.md").read_text()
SECRET, OTHER = signing.new_secret(), signing.new_secret()
TEXT = "plain, Zoë\n".encode()
STAMPS, SIGNATURES = ("x-recuro-timestamp", "webhook-timestamp"), ("x-recuro-signature", "webhook-signature")
BODY = '{"event":"job.completed","name":"Zoë","n":1}\n'.encode()
PYTHON = """
import json, sys
asked = json.load(sys.stdin)
def body(one):
    return one["text"] if one["body"] is None else bytes.fromhex(one["body"])
print(json.dumps([is_genuine(one["secret"], one["headers"], body(one)) for one in asked]))
"""
NODE = """
const asked = JSON.parse(require("node:fs").readFileSync(0));
const body = (one) => (one.body === null ? one.text : Buffer.from(one.body, "hex"));
const none = (one) => one.body === null && one.text === null;
console.log(JSON.stringify(asked.map((one) => isGenuine(one.secret, one.headers, body(one))
  && (!none(one) || [{}, undefined].every((other) => isGenuine(one.secret, one.headers, other))))));
"""
PHP = """
$asked = json_decode(stream_get_contents(STDIN), true);
$body = fn($one) => is_null($one['body']) ? $one['text'] : hex2bin($one['body']);
echo json_encode(array_map(fn($one) => is_genuine($one['secret'], $one['headers'], $body($one)), $asked));
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
    body: bytes | str | None = BODY
    """As the receiver's framework gives it: some make text of it, or nothing of an empty one."""
    signed: bytes = BODY
    is_genuine: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    """In place of those that we send."""

    def asked(self, now: int) -> dict[str, object]:
        headers = signing.headers_of(self.secrets, "job-1-1", self.signed, now - self.age_seconds)
        lower = {name.lower(): value for name, value in headers.items()}
        body = (
            {"body": self.body.hex()} if isinstance(self.body, bytes) else {"body": None, "text": self.body}
        )
        return {"secret": self.secret, "headers": {**lower, **self.headers}, **body}


CASES = (
    Case("good", is_genuine=True),
    Case("good, four minutes old", age_seconds=240, is_genuine=True),
    Case("good, the new secret while both are valid", (OTHER, SECRET), OTHER, is_genuine=True),
    Case("good, the old secret while both are valid", (OTHER, SECRET), SECRET, is_genuine=True),
    Case("good, an empty body", body=b"", signed=b"", is_genuine=True),
    Case("good, no body", body=None, signed=b"", is_genuine=True),
    Case("good, an empty text", body="", signed=b"", is_genuine=True),
    Case("good, a body that is no JSON", body=TEXT, signed=TEXT, is_genuine=True),
    Case("good, the same as text", body=TEXT.decode(), signed=TEXT, is_genuine=True),
    Case("a body where none was signed", body=b"{}", signed=b""),
    Case("a text where none was signed", body=TEXT, signed=b""),
    Case("none where a text was signed", body=b"", signed=TEXT),
    Case("another text", body=TEXT + b"!", signed=TEXT),
    Case("bytes that are no text", body=b"\xff\xfe", signed=TEXT),
    *(
        Case(f"a timestamp of {stamp[:9]!r}", headers={name: stamp for name in STAMPS})
        for stamp in ("", "now", "\u00b2", "1" * 5000, "-1", "1e9")
    ),
    *(
        Case(f"a signature of {signature!r}", headers={name: signature for name in SIGNATURES})
        for signature in ("", "v1", "v1,", "v1,%", "zz", "\u00b2")
    ),
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
    answer = subprocess.run(program, input=asked, capture_output=True, text=True, timeout=120, check=True)

    said = dict(zip([case.name for case in CASES], json.loads(answer.stdout), strict=True))
    assert said == {case.name: case.is_genuine for case in CASES}


def test_every_example_of_the_page_is_run() -> None:
    assert re.findall(r"```\w+ name=(\w+)", PAGE) == list(RUNS)
