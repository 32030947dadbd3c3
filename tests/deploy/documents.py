"""What deploy/ would run, read from the compose file and from the manifests into one form."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
STORE = "redis"
SECRET = "a-secret-of-the-tests-0123456789"
_VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


@dataclass(frozen=True, slots=True)
class Process:
    """A container: its arguments, the commands that ask after its health, its environment."""

    name: str
    image: str
    arguments: tuple[str, ...]
    questions: tuple[tuple[str, ...], ...]
    environment: dict[str, str]
    grace_seconds: int


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text()))


@cache
def manifests() -> tuple[dict[str, Any], ...]:
    """Every document of every file, examples too; read once, so nobody changes them."""
    files = (path for path in sorted(KUBERNETES.rglob("*.yaml")) if path.name != "kustomization.yaml")
    return tuple(document for path in files for document in yaml.safe_load_all(path.read_text()))


def only(kind: str, name: str) -> dict[str, Any]:
    (found,) = (each for each in manifests() if (each["kind"], each["metadata"]["name"]) == (kind, name))
    return found


def filled(text: str) -> str:
    """With the default of each `${VARIABLE:-default}`, or a secret where one is required."""
    return _VARIABLE.sub(lambda found: SECRET if found[2] == "?" else found[3] or "", text)


def in_compose() -> list[Process]:
    return [
        Process(
            name=name,
            image=filled(service["image"]),
            arguments=tuple(service["command"]),
            questions=(tuple(service["healthcheck"]["test"][1:]),),
            environment={
                key: filled(value)
                for key, value in service.get("environment", {}).items()
                if value is not None  # as the caller has it, or not set
            },
            grace_seconds=int(service["stop_grace_period"].removesuffix("s")),
        )
        for name, service in compose()["services"].items()
    ]


def in_kubernetes() -> list[Process]:
    """Every container, with the tags that the kustomization gives to images."""
    kustomization = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    tags = {image["name"]: image["newTag"] for image in kustomization["images"]}
    pods = [each["spec"]["template"]["spec"] for each in manifests() if "template" in each.get("spec", {})]
    return [_container(pod, pod["containers"][0], tags) for pod in pods]


def ours(processes: list[Process]) -> list[Process]:
    return [process for process in processes if process.name != STORE]


def _container(pod: dict[str, Any], container: dict[str, Any], tags: dict[str, str]) -> Process:
    image = container["image"]
    probes = [container[probe] for probe in ("livenessProbe", "readinessProbe")]
    return Process(
        name=container["name"],
        image=f"{image}:{tags[image]}" if image in tags else image,
        arguments=tuple(container["args"]),
        questions=tuple(tuple(probe["exec"]["command"]) for probe in probes if "exec" in probe),
        environment=dict(_environment(container)),
        grace_seconds=pod["terminationGracePeriodSeconds"],
    )


def _environment(container: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for source in container.get("envFrom", ()):
        yield from only("ConfigMap", source["configMapRef"]["name"])["data"].items()
    for variable in container["env"]:
        reference = variable["valueFrom"]["secretKeyRef"]
        if reference.get("optional"):
            continue
        yield variable["name"], only("Secret", reference["name"])["stringData"][reference["key"]]
