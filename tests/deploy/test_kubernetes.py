"""The manifests fit together: selectors, ports, probes, and what a worker may reach."""

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from shared.security.addresses import Policy
from shared.settings import Settings
from tests.deploy.documents import manifests, only

DOORS = pytest.mark.parametrize("door", ["api", "mcp"])


def test_every_selector_finds_the_pods_of_one_workload() -> None:
    labels = [each["spec"]["template"]["metadata"]["labels"] for each in manifests() if makes_pods(each)]

    for each in manifests():
        if each["kind"] in ("Service", "PodDisruptionBudget"):
            wanted = each["spec"]["selector"].get("matchLabels", each["spec"]["selector"])
            assert labels.count(wanted) == 1, each["metadata"]["name"]


def test_every_workload_may_be_interrupted_one_pod_at_a_time() -> None:
    names = {kind: names_of(kind) for kind in ("Deployment", "StatefulSet", "PodDisruptionBudget")}

    assert names["PodDisruptionBudget"] == names["Deployment"] | names["StatefulSet"]


@DOORS
def test_a_door_is_asked_for_its_health_on_the_port_it_listens_on(door: str) -> None:
    (container,) = only("Deployment", f"recuro-{door}")["spec"]["template"]["spec"]["containers"]
    probes = [container[name]["httpGet"] for name in ("livenessProbe", "readinessProbe")]

    assert container["ports"][0] == {"name": "http", "containerPort": port_of(door)}
    assert probes == [{"path": path, "port": "http"} for path in ("/healthz", "/readyz")]


@DOORS
def test_a_door_is_found_under_its_own_port(door: str) -> None:
    (port,) = only("Service", f"recuro-{door}")["spec"]["ports"]

    assert (port["port"], port["targetPort"]) == (port_of(door), "http")


@pytest.mark.parametrize("service", ["scheduler", "api", "mcp"])
def test_prometheus_finds_what_a_service_tells(service: str) -> None:
    template = only("Deployment", f"recuro-{service}")["spec"]["template"]
    (container,) = template["spec"]["containers"]
    (config,) = container["envFrom"]
    given = only("ConfigMap", config["configMapRef"]["name"])["data"]

    assert {"name": "metrics", "containerPort": int(given["RECURO_METRICS_PORT"])} in container["ports"]
    assert template["metadata"]["annotations"]["prometheus.io/port"] == given["RECURO_METRICS_PORT"]
    assert given["RECURO_METRICS_HOST"] == "0.0.0.0"


def test_the_mcp_gateway_answers_to_the_name_of_its_service() -> None:
    config = only("ConfigMap", "recuro")["data"]

    assert only("Service", "recuro-mcp")["metadata"]["name"] in config["RECURO_MCP_ALLOWED_HOSTS"].split(",")


def test_a_redis_that_is_away_restarts_nobody_for_ten_minutes() -> None:
    for name in ("recuro-scheduler", "recuro-worker"):
        (container,) = only("Deployment", name)["spec"]["template"]["spec"]["containers"]
        probe = container["livenessProbe"]

        assert probe["periodSeconds"] * probe["failureThreshold"] >= 600


@pytest.mark.parametrize(
    "address",
    [
        *("1.1.1.1", "93.184.215.14", "2606:4700::1111"),
        *("10.1.2.3", "100.100.100.200", "127.0.0.1", "168.63.129.16", "169.254.169.254", "172.31.0.1"),
        *("192.168.1.1", "192.0.2.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "255.255.255.255"),
        *("::1", "fc00::1", "fd00:ec2::254", "fe80::1", "ff02::1", "2001:db8::1", "2002:a00:1::", "3fff::1"),
    ],
)
def test_the_network_allows_a_worker_the_addresses_that_it_allows_itself(address: str) -> None:
    allowed = reachable(address, 443)

    assert allowed == (Policy().judge(ip_address(address)) is None)


def test_the_network_takes_nobody_to_a_worker() -> None:
    spec = only("NetworkPolicy", "recuro-worker")["spec"]

    assert spec["podSelector"] == only("Deployment", "recuro-worker")["spec"]["selector"]
    assert spec["ingress"] == []
    assert "Ingress" in spec["policyTypes"]


def test_redis_lets_nobody_in_but_the_services() -> None:
    spec = only("NetworkPolicy", "recuro-redis")["spec"]

    (rule,) = spec["ingress"]
    assert rule["from"] == [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "recuro"}}}]
    assert spec["podSelector"] == only("StatefulSet", "recuro-redis")["spec"]["selector"]
    assert spec["egress"] == []


def makes_pods(document: dict[str, Any]) -> bool:
    return "template" in document.get("spec", {})


def names_of(kind: str) -> set[str]:
    return {each["metadata"]["name"] for each in manifests() if each["kind"] == kind}


def port_of(door: str) -> int:
    return int(Settings.model_fields[f"{door}_port"].default)


def reachable(address: str, port: int) -> bool:
    """Whether a rule of the worker's policy leads to an address outside the cluster."""
    for rule in only("NetworkPolicy", "recuro-worker")["spec"]["egress"]:
        if port in [each["port"] for each in rule.get("ports", [{"port": port}])]:
            blocks = [peer["ipBlock"] for peer in rule["to"] if "ipBlock" in peer]
            if any(within(address, block) for block in blocks):
                return True
    return False


def within(address: str, block: dict[str, Any]) -> bool:
    refused = any(ip_address(address) in ip_network(part) for part in block.get("except", ()))
    return ip_address(address) in ip_network(block["cidr"]) and not refused
