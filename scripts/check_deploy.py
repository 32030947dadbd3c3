"""Check deploy/ without a container engine, a cluster or the network; `make check` runs it.

Usage: check_deploy.py [ROOT]; ROOT is the repository, by default the one that this file belongs to.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

TOOLS = Path(sys.executable).parent
NO_NEW_PRIVILEGES = "no-new-privileges:true"
STORE = "redis"


class Shape(BaseModel):
    """What a document must have; what else it has is the business of the schemas."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)


class Capabilities(Shape):
    drop: tuple[Literal["ALL"]]


class ContainerSecurity(Shape):
    allow_privilege_escalation: Literal[False]
    read_only_root_filesystem: Literal[True]
    capabilities: Capabilities


class Amounts(Shape):
    cpu: str
    memory: str


class Resources(Shape):
    requests: Amounts
    limits: Amounts


class Container(Shape):
    image: str
    security_context: ContainerSecurity
    resources: Resources
    liveness_probe: dict[str, object]
    readiness_probe: dict[str, object]


class Seccomp(Shape):
    type: Literal["RuntimeDefault"]


class PodSecurity(Shape):
    run_as_non_root: Literal[True]
    run_as_user: Annotated[int, Field(gt=0)]
    seccomp_profile: Seccomp


class PodSpec(Shape):
    automount_service_account_token: Literal[False]
    enable_service_links: Literal[False]  # a link to the Service recuro-api is named RECURO_API_PORT
    termination_grace_period_seconds: int
    security_context: PodSecurity
    containers: tuple[Container, ...]


class Pod(Shape):
    spec: PodSpec


class WorkloadSpec(Shape):
    template: Pod


class Workload(Shape):
    spec: WorkloadSpec


class Kustomization(Shape):
    resources: tuple[str, ...]


def _without_new_privileges(options: tuple[str, ...]) -> tuple[str, ...]:
    if NO_NEW_PRIVILEGES not in options:
        raise ValueError(f"must have {NO_NEW_PRIVILEGES}")
    return options


class ComposeService(BaseModel):
    image: str
    read_only: Literal[True]
    cap_drop: tuple[Literal["ALL"]]
    security_opt: Annotated[tuple[str, ...], AfterValidator(_without_new_privileges)]
    healthcheck: dict[str, object]
    stop_grace_period: str


class Compose(BaseModel):
    services: dict[str, ComposeService]


def main() -> int:
    """Print every problem; 1 if there is one."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent
    deploy = root / "deploy"
    kustomizations = sorted(deploy.rglob("kustomization.yaml"))
    checks = (
        tool("hadolint", deploy / "Dockerfile"),
        compose(deploy / "compose.yaml"),
        manifests(kustomizations),
        *(kustomization(file) for file in kustomizations),
        built(kustomizations),
    )
    problems = list(chain.from_iterable(checks))
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print(f"deploy: the Dockerfile, the compose file and {len(kustomizations)} kustomizations are sound")
    return 1 if problems else 0


def tool(name: str, *arguments: str | Path, given: str | None = None) -> Iterator[str]:
    """What a tool of this environment complains about."""
    argv = [str(TOOLS / name), *map(str, arguments)]
    ended = subprocess.run(argv, input=given, capture_output=True, text=True, check=False)
    if ended.returncode:
        yield f"{name}: {(ended.stdout + ended.stderr).strip()}"


def compose(file: Path) -> Iterator[str]:
    """The schema, restricted services, and one image for all of ours."""
    yield from tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", file)
    try:
        services = Compose.model_validate(yaml.safe_load(file.read_text())).services
    except ValidationError as error:
        yield from _shortfalls(str(file), error)
    else:
        images = (service.image for name, service in services.items() if name != STORE)
        yield from one_image(file, images)


def manifests(kustomizations: Iterable[Path]) -> Iterator[str]:
    """Every manifest against the schemas of Kubernetes, unknown keys refused."""
    files = sorted(path for each in kustomizations for path in _manifests_beside(each, examples=True))
    yield from tool("kubernetes-validate", "--strict", "--quiet", *files)


def kustomization(file: Path) -> Iterator[str]:
    """Lists each manifest beside it and no other; their pods are restricted and run one image."""
    listed = Kustomization.model_validate(yaml.safe_load(file.read_text())).resources
    present = {path.name for path in _manifests_beside(file, examples=False)}
    yield from (f"{file}: lists {name}, which does not exist" for name in sorted({*listed} - present))
    yield from (f"{file}: does not list {name}" for name in sorted(present - {*listed}))
    images: list[str] = []
    for path in (file.parent / name for name in sorted(present)):
        for document in yaml.safe_load_all(path.read_text()):
            yield from _workload(path, document, images)
    yield from one_image(file, images)


def one_image(file: Path, images: Iterable[str]) -> Iterator[str]:
    """All run the same image."""
    if len(found := sorted(set(images))) > 1:
        yield f"{file}: more than one image: {', '.join(found)}"


def built(kustomizations: Iterable[Path]) -> Iterator[str]:
    """What kubectl makes of each kustomization, against the same schemas."""
    if (kubectl := shutil.which("kubectl")) is None:
        print("SKIPPED: no kubectl here, so the kustomizations were not built", file=sys.stderr)
        return
    for file in kustomizations:
        argv = [kubectl, "kustomize", str(file.parent)]
        ended = subprocess.run(argv, capture_output=True, text=True, check=False)
        if ended.returncode:
            yield f"kubectl kustomize {file.parent}: {ended.stderr.strip()}"
        else:
            yield from tool("kubernetes-validate", "--strict", "--quiet", "-", given=ended.stdout)


def _manifests_beside(file: Path, *, examples: bool) -> Iterator[Path]:
    for path in file.parent.glob("*.yaml"):
        if path != file and (examples or not path.name.endswith(".example.yaml")):
            yield path


def _workload(path: Path, document: object, images: list[str]) -> Iterator[str]:
    """Judge a document that makes pods, and note the images they run."""
    match document:
        case {"kind": kind, "metadata": {"name": name}, "spec": {"template": _}}:
            try:
                workload = Workload.model_validate(document)
            except ValidationError as error:
                yield from _shortfalls(f"{path}: {kind} {name}", error)
            else:
                images += (container.image for container in workload.spec.template.spec.containers)


def _shortfalls(where: str, error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False):
        place = ".".join(map(str, problem["loc"]))
        yield f"{where}: {place}: {problem['msg']}"


if __name__ == "__main__":
    sys.exit(main())
