"""The compose file and the manifests run what the command line has, with settings that exist."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from services.cli.main import SERVICES
from shared.settings import Settings
from shared.version import VERSION
from tests.deploy.documents import DEPLOY, Process, compose, filled, in_compose, in_kubernetes, ours

RECURO = Path(sys.executable).parent / "recuro"
SETTINGS = {f"RECURO_{name.upper()}" for name in Settings.model_fields}
KINDS = pytest.mark.parametrize("processes", [in_compose, in_kubernetes])
Processes = Callable[[], list[Process]]


def settings_of(process: Process) -> Settings:
    given = {name.removeprefix("RECURO_").lower(): value for name, value in process.environment.items()}
    return Settings.model_validate(given)


@KINDS
def test_every_service_of_the_command_line_runs_once(processes: Processes) -> None:
    commands = [process.arguments for process in ours(processes())]

    assert sorted(commands) == sorted((service,) for service in SERVICES)


@KINDS
def test_the_command_line_accepts_every_health_question(processes: Processes) -> None:
    asked = [question for process in ours(processes()) for question in process.questions]

    assert asked
    for program, *arguments in asked:
        assert program == RECURO.name
        subprocess.run([RECURO, *arguments, "--help"], check=True, capture_output=True)


@KINDS
def test_a_health_question_is_about_the_service_that_is_asked(processes: Processes) -> None:
    for process in ours(processes()):
        assert all(question[-1:] == process.arguments for question in process.questions)


@KINDS
def test_every_variable_is_a_setting_and_every_value_a_good_one(processes: Processes) -> None:
    for process in ours(processes()):
        assert set(process.environment) <= SETTINGS
        assert settings_of(process).redis_url.endswith("redis:6379/0")


def test_every_variable_that_compose_asks_the_caller_for_is_a_setting_or_the_image() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))

    assert asked <= SETTINGS | {"RECURO_IMAGE"}


@KINDS
def test_a_worker_gets_longer_to_end_than_it_takes_to_finish(processes: Processes) -> None:
    (worker,) = (process for process in processes() if process.name == "worker")

    assert worker.grace_seconds > settings_of(worker).worker_grace_seconds


@KINDS
def test_only_the_api_knows_the_bootstrap_token(processes: Processes) -> None:
    knowing = [process.name for process in processes() if "RECURO_BOOTSTRAP_TOKEN" in process.environment]

    assert knowing == ["api"]


@KINDS
def test_the_doors_listen_beyond_their_own_container(processes: Processes) -> None:
    settings = {process.name: settings_of(process) for process in ours(processes())}

    assert settings["api"].api_host == settings["mcp"].mcp_host == "0.0.0.0"


@KINDS
def test_the_image_is_the_one_of_this_version(processes: Processes) -> None:
    assert {process.image for process in ours(processes())} == {f"recuro:{VERSION}"}


def test_a_compose_worker_can_be_scaled() -> None:
    worker = compose()["services"]["worker"]

    assert not {"container_name", "ports", "hostname"} & set(worker)


def test_compose_shows_its_ports_to_this_machine_only() -> None:
    defaults = Settings.model_fields
    shown = [port for service in compose()["services"].values() for port in service.get("ports", ())]

    assert [filled(port) for port in shown] == [
        f"127.0.0.1:{defaults[name].default}:{defaults[name].default}" for name in ("api_port", "mcp_port")
    ]


def test_compose_lets_redis_reach_nothing_but_its_clients() -> None:
    redis = compose()["services"]["redis"]

    assert redis["networks"] == ["store"]
    assert compose()["networks"]["store"] == {"internal": True}
    assert "ports" not in redis
