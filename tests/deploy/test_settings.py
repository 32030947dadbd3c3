"""Every setting can be set where Recuro is deployed, and stands in the README."""

import re
from typing import Any

import yaml
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from shared.settings import Settings
from tests.deploy.documents import DEPLOY, ROOT, manifests, only

NOT_DEPLOYED = {"RECURO_DATA_DIR"}
"""It holds what `recuro dev` keeps, and a key that containers are given."""
DIFFER = {
    "API_HOST",
    "MCP_HOST",
    "MCP_ALLOWED_HOSTS",
    "MAX_CONNECTIONS_PER_ADDRESS",
    "METRICS_HOST",
    "METRICS_PORT",
}
SETTINGS = {f"RECURO_{name.upper()}": field for name, field in Settings.model_fields.items()}


def is_secret(field: FieldInfo) -> bool:
    return SecretStr in (field.annotation, *getattr(field.annotation, "__args__", ()))


def written(default: Any) -> str:
    """As in an environment."""
    match default:
        case bool():
            return str(default).lower()
        case None | ():
            return ""
        case _:
            return str(default)


def referenced() -> set[str]:
    """What pods are given out of the Secret."""
    specs = [each["spec"]["template"]["spec"] for each in manifests() if "template" in each.get("spec", {})]
    return {
        variable["name"]
        for spec in specs
        for container in spec["containers"]
        for variable in container["env"]
    }


def test_the_readme_has_a_row_for_every_setting() -> None:
    rows = re.findall(r"^\| (`RECURO_.*?) \|", (ROOT / "README.md").read_text(), re.MULTILINE)

    assert sorted(re.findall(r"RECURO_\w+", " ".join(rows))) == sorted(SETTINGS)


def test_compose_takes_every_setting_from_the_caller() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    fixed = {"RECURO_API_HOST", "RECURO_MCP_HOST", "RECURO_METRICS_HOST"}  # inside a container there is one

    passed = set(re.findall(r"\$\{(RECURO_\w+)", text)) | set(re.findall(r"^ +(RECURO_\w+):$", text, re.M))

    assert set(SETTINGS) - NOT_DEPLOYED - fixed == passed - {"RECURO_IMAGE"}
    assert all(f"{name}: 0.0.0.0" in text for name in fixed)


def test_compose_lets_each_service_that_tells_prometheus_do_so() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]

    told = {name for name, each in services.items() if "RECURO_METRICS_PORT" in each.get("environment", {})}

    assert told == {
        path.parent.name
        for path in (ROOT / "services").glob("*/main.py")
        if "serving_metrics(" in path.read_text()
    }


def test_the_configmap_has_every_setting_that_is_no_secret_with_its_default() -> None:
    data = only("ConfigMap", "recuro")["data"]
    open_ones = {
        name: field
        for name, field in SETTINGS.items()
        if not is_secret(field) and name not in NOT_DEPLOYED | {"RECURO_REDIS_URL"}
    }

    assert sorted(data) == sorted(open_ones)
    assert {name for name, field in open_ones.items() if data[name] != written(field.default)} == {
        f"RECURO_{name}" for name in DIFFER
    }


def test_the_pods_are_given_every_secret_setting() -> None:
    secret = {name for name, field in SETTINGS.items() if is_secret(field)}

    assert referenced() - {"REDISCLI_AUTH", "VALKEYCLI_AUTH"} >= secret | {"RECURO_REDIS_URL"}
