"""The check of deploy/ passes what we ship and names what is wrong with a broken copy."""

import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from scripts import check_deploy
from tests.deploy.documents import DEPLOY, ROOT


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEPLOY, tmp_path / "deploy"))


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def run(root: Path) -> subprocess.CompletedProcess[str]:
    script = ROOT / "scripts" / "check_deploy.py"
    return subprocess.run([sys.executable, script, root], capture_output=True, text=True, check=False)


def only(problems: Iterable[str]) -> str:
    (problem,) = problems
    return problem


def test_what_we_ship_is_sound() -> None:
    ended = run(ROOT)

    assert ended.returncode == 0, ended.stderr


def test_a_broken_copy_fails_with_every_problem_named(copy: Path) -> None:
    edit(copy / "Dockerfile", "USER 10001:10001", "USER root")
    edit(copy / "compose.yaml", "    command: [worker]", "    comand: [worker]")
    edit(copy / "kubernetes" / "api.yaml", "  replicas: 2", "  replica: 2")

    ended = run(copy.parent)

    assert ended.returncode == 1
    assert "DL3002" in ended.stderr
    assert "'comand' was unexpected" in ended.stderr
    assert "'replica' was unexpected" in ended.stderr


def test_a_container_without_a_security_context_is_named(copy: Path) -> None:
    worker = copy / "kubernetes" / "worker.yaml"
    start = worker.read_text().index("          securityContext:")
    end = worker.read_text().index("---", start)
    edit(worker, worker.read_text()[start:end], "")

    problem = only(check_deploy.kustomization(copy / "kubernetes" / "kustomization.yaml"))

    assert problem == (
        f"{worker}: Deployment recuro-worker: spec.template.spec.containers.0.securityContext: Field required"
    )


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true", "allowPrivilegeEscalation"),
        ("readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "readOnlyRootFilesystem"),
        ("drop: [ALL]", "drop: [NET_RAW]", "capabilities.drop.0"),
        ("runAsNonRoot: true", "runAsNonRoot: false", "runAsNonRoot"),
        ("type: RuntimeDefault", "type: Unconfined", "seccompProfile.type"),
        ("automountServiceAccountToken: false", "hostNetwork: false", "automountServiceAccountToken"),
        ("enableServiceLinks: false", "enableServiceLinks: true", "enableServiceLinks"),
        ("livenessProbe:", "startupProbe:", "livenessProbe"),
        ("limits:", "claims:", "limits"),
    ],
)
def test_a_pod_that_is_less_restricted_is_named(copy: Path, old: str, new: str, place: str) -> None:
    edit(copy / "kubernetes" / "mcp.yaml", old, new)

    problem = only(check_deploy.kustomization(copy / "kubernetes" / "kustomization.yaml"))

    assert "mcp.yaml: Deployment recuro-mcp: " in problem
    assert f".{place}: " in problem


def test_a_manifest_that_is_not_listed_is_named(copy: Path) -> None:
    edit(copy / "kubernetes" / "kustomization.yaml", "  - worker.yaml\n", "")

    problem = only(check_deploy.kustomization(copy / "kubernetes" / "kustomization.yaml"))

    assert problem.endswith("does not list worker.yaml")


def test_a_listed_file_that_does_not_exist_is_named(copy: Path) -> None:
    (copy / "kubernetes" / "worker.yaml").unlink()

    problem = only(check_deploy.kustomization(copy / "kubernetes" / "kustomization.yaml"))

    assert problem.endswith("lists worker.yaml, which does not exist")


def test_a_second_image_is_named(copy: Path) -> None:
    edit(copy / "kubernetes" / "worker.yaml", "image: recuro", "image: recuro-worker")

    problem = only(check_deploy.kustomization(copy / "kubernetes" / "kustomization.yaml"))

    assert problem.endswith("more than one image: recuro, recuro-worker")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("read_only: true", "read_only: false", "read_only"),
        ("cap_drop: [ALL]", "cap_drop: [NET_RAW]", "cap_drop"),
        ("no-new-privileges:true", "no-new-privileges:false", "no-new-privileges:true"),
    ],
)
def test_a_compose_service_that_is_less_restricted_is_named(
    copy: Path, old: str, new: str, problem: str
) -> None:
    edit(copy / "compose.yaml", old, new)

    problems = list(check_deploy.compose(copy / "compose.yaml"))

    assert len(problems) == 5
    assert all(problem in each for each in problems)


def test_a_missing_kubectl_is_said_aloud(
    copy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(copy))

    problems = list(check_deploy.built([copy / "kubernetes" / "kustomization.yaml"]))

    assert problems == []
    assert capsys.readouterr().err.startswith("SKIPPED: no kubectl here")
