"""The Inspector, and the official conformance suite on what applies to a gateway that only has tools of its own."""

import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.hosts import calls
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
    """Plays the whole script, of which each call is a process of its own; two scripts side by side."""
    folder = stage.places.node("js22")
    ways = [(transport, era) for transport in TRANSPORTS for era in ERAS]
    commands = [_inspecting(stage, folder, *way) for way in ways]
    with ThreadPoolExecutor(2) as pool:
        for (transport, era), problems in zip(ways, pool.map(_inspected, commands), strict=True):
            what = f"Inspector --strict, {era}, {transport}, {len(calls.CALLS)} calls"
            stage.note(what, problems)


def _inspecting(stage: Stage, folder: Path, transport: str, era: str) -> list[str]:
    """The command of an era and a transport, for a team of its own."""
    token, bins = stage.token(), folder / "node_modules/.bin"
    if transport == HTTP:
        target = [stage.url, "--transport", "http", "--header", f"Authorization: Bearer {token}"]
    else:
        variables = [f"{name}={value}" for name, value in stage.env(token).items() if name != "PATH"]
        target = [*(part for one in variables for part in ("-e", one)), wrapper(folder, transport)]
    program = [str(bins / "node"), str(bins / "mcp-inspector"), "--cli"]
    return [*program, *target, "--protocol-era", era, "--method"]


def _inspected(command: Sequence[str]) -> list[str]:
    """What is wrong with what it lists, strictly, and with what it gets for each call."""
    try:
        listed = json.loads(said([*command, "tools/list", "--strict"]))
        problems = calls.untried([tool["name"] for tool in listed["tools"]])
        saved = dict[str, int]()
        for call in calls.CALLS:
            result = _called(command, call, saved)
            problems += filter(None, [calls.wrong(call, result)])
            if call.saves:
                saved[call.saves] = result["structured"]["id"]
    except (RuntimeError, ValueError, LookupError, TypeError, subprocess.TimeoutExpired) as error:
        return [repr(error)[-1500:]]
    return problems


def _called(command: Sequence[str], call: calls.Played, saved: Mapping[str, int]) -> dict[str, Any]:
    """The result of a call, which the Inspector prints, too, when it is an error, and ends with a code."""
    arguments = json.dumps(call.arguments)
    for name, one in saved.items():
        arguments = arguments.replace(f'"${name}"', str(one))
    ended = subprocess.run(
        [*command, "tools/call", "--tool-name", call.tool, "--tool-args-json", arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    found = json.loads(ended.stdout)
    shown: dict[str, Any] = {
        "text": found["content"][0]["text"],
        "structured": found.get("structuredContent"),
    }
    return shown | {"error": found.get("isError") is True}


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
