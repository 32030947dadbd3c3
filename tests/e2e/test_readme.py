"""The README's examples, run as they stand."""

import json
import re
import subprocess
from pathlib import Path

from tests.installation import TOKEN, Installation
from tests.poll import until
from tests.target import Target

README = (Path(__file__).parents[2] / "README.md").read_text()
EXAMPLES = re.findall(r"^```sh\n(.*?)^```", README, re.M | re.S)


def run(example: str, folder: Path) -> str:
    done = subprocess.run(["bash", "-euc", example], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_every_example_works_as_it_stands(tmp_path: Path, target: Target) -> None:
    with Installation(tmp_path) as installation:
        (tmp_path / ".recuro").mkdir()
        (tmp_path / ".recuro" / "token").write_text(f"{TOKEN}\n")
        examples = "\n".join(EXAMPLES)
        examples = examples.replace(":8000", f":{installation.api_port}").replace(":9000", f":{target.port}")

        answers = run(examples, tmp_path)

        async def all_arrived() -> bool:
            return {"/sync", "/health", "/invoice/1", "/invoice/2"} <= {
                request.path for request in target.received
            }

        await until(all_arrived)
        (sent,) = [request for request in target.received if request.path == "/sync"]
        assert (json.loads(sent.body), sent.headers["X-Shop"]) == ({"event": "user.created"}, "42")
        assert '"success":true' in answers
        assert '"retry_delays":[5,60]' in answers
        assert "error" not in re.sub(r'"(error_message|last_error)":null', "", answers)
