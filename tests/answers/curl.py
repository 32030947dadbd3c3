"""curl, asked once."""

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.answers.verdicts import Verdict

SECONDS = 5.0
PLAIN = ("-sq4", "--noproxy", "*", "--max-time", f"{SECONDS}")


def curl(url: str, options: Sequence[str] = (), body: bytes | None = None) -> Verdict:
    """What it makes of the URL's answer; a body makes the request a POST, unless the options say else."""
    sending = () if body is None else ("--data-binary", "@-", "-H", "Content-Type: application/octet-stream")
    with tempfile.TemporaryDirectory(prefix="recuro-curl-") as name:
        kept = Path(name) / "body"
        kept.write_bytes(b"")
        told = "%{stderr}%{http_code}\n%{exitcode}\n%{errormsg}"
        command = ["curl", *PLAIN, *options, *sending, "-o", str(kept), "-w", told, url]
        done = subprocess.run(command, input=body or b"", capture_output=True, check=False)
        status, code, why = done.stderr.decode("utf-8", "replace").split("\n", 2)
        return Verdict(
            int(status) or None, kept.read_bytes().decode("latin-1"), f"({code}) {why}" if code != "0" else ""
        )
