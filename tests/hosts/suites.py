"""The Inspector, and the official conformance suite on what applies to a gateway that only has tools of its own."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

from tests.hosts.authorized import authorized
from tests.hosts.places import said
from tests.hosts.stage import HTTP, TRANSPORTS, Stage, wrapper

ERAS = ("legacy", "auto", "modern")
SCENARIOS = {
    "2025-11-25": ("server-initialize", "ping", "tools-list", "tools-call-error", "dns-rebinding-protection"),
    "2026-07-28": (
        *("server-stateless", "tools-list", "tools-call-error", "dns-rebinding-protection", "caching"),
        *("http-header-validation", "input-required-result-unsupported-methods"),
        "input-required-result-ignore-extra-params",
    ),
}
"""The others want tools, prompts and resources of the suite's own, or what we do not have: elicitation, tasks, SSE."""
NOT_OURS = {
    "sep-2575-server-rejects-undeclared-capability": "wants a tool of the suite that asks for sampling",
    "sep-2575-missing-capability-http-400": "wants the same tool",
    "sep-2549-resources-list-caching-hints": "there are no resources",
    "sep-2549-resources-templates-list-caching-hints": "there are no resources",
}
_FAILED = re.compile(r"\[([\w-]+)\s*\] FAILURE")
_PASSED = re.compile(r"\[[\w-]+\s*\] SUCCESS")
_COLOURS = re.compile(r"\x1b\[\d*m")


def inspector(stage: Stage) -> None:
    """Each call is a process of its own; the whole script is played by the SDK that it is made of."""
    folder = stage.places.node("js22")
    program = [
        str(folder / "node_modules/.bin/node"),
        str(folder / "node_modules/.bin/mcp-inspector"),
        "--cli",
    ]
    for transport in TRANSPORTS:
        token = stage.token()
        if transport == HTTP:
            target = [stage.url, "--transport", "http", "--header", f"Authorization: Bearer {token}"]
        else:
            variables = [f"{name}={value}" for name, value in stage.env(token).items() if name != "PATH"]
            bridge = wrapper(folder, transport)
            target = [*(part for one in variables for part in ("-e", one)), bridge]
        for era in ERAS:
            command = [*program, *target, "--protocol-era", era, "--method"]
            problems = []
            try:
                listed = json.loads(said([*command, "tools/list", "--strict"], folder))
                problems += [] if len(listed["tools"]) > 1 else ["lists no tools"]
                made = {"queue": "webhooks", "url": "https://api.example.com/sync", "payload": {"a": 1}}
                job = _called(command, "create-job", made, folder)
                problems += [] if job["structuredContent"]["status"] == "pending" else [str(job)]
                bad = _called(command, "create-job", {"queue": "webhooks"}, folder)
                problems += [] if "The url field is required." in bad["content"][0]["text"] else [str(bad)]
            except (RuntimeError, ValueError, KeyError) as error:
                problems.append(repr(error)[-1500:])
            stage.note(f"Inspector --strict, {era}, {transport}", problems)


def _called(command: list[str], tool: str, arguments: object, folder: Path) -> dict[str, Any]:
    """The result of a call, which the Inspector prints, too, when it is an error, and ends with a code."""
    ended = subprocess.run(
        [*command, "tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def conformance(stage: Stage) -> None:
    folder = stage.places.node("js22")
    suite = "node_modules/@modelcontextprotocol/conformance/dist/index.js"
    program = [str(folder / "node_modules/.bin/node"), suite, "server"]
    with authorized(stage.url, stage.token()) as url:
        for version, scenarios in SCENARIOS.items():
            for scenario in scenarios:
                command = [*program, "--url", url, "--spec-version", version, "--scenario", scenario]
                ended = subprocess.run(
                    command,
                    cwd=folder,
                    env={**os.environ, "NO_COLOR": "1"},
                    capture_output=True,
                    text=True,
                    timeout=180,
                    check=False,
                )
                out = _COLOURS.sub("", ended.stdout)
                failed = [check for check in _FAILED.findall(out) if check not in NOT_OURS]
                passed = len(_PASSED.findall(out))
                problems = failed if passed else [*failed, f"nothing passed: {ended.stderr[-500:]}"]
                stage.note(f"conformance {version} {scenario}, {passed} checks", problems)
