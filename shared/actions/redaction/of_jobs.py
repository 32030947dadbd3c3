"""What is stored of a request of which not all may be shown: the rest, and sealed what is to be sent."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import from_json, to_json

from shared.basics.redaction import Rules, rules_of
from shared.security.destinations import origin_of
from shared.security.vault import Vault
from shared.store.stored import LAST_OF_SPEC

_BODIES = ("payload", "payload_json", "body")


def rules_in(text: str) -> Rules:
    """Of a queue and its team, a line of JSON each (`OtherRules`)."""
    return rules_of(tuple(rule for line in text.splitlines() for rule in from_json(line)))


def kept(spec: Mapping[str, Any], rules: Rules, vault: Vault, team: int) -> Mapping[str, Any]:
    """The spec without what the rules name, which is sealed for where its request goes."""
    return _with_headers(_with_body(spec, rules, vault, team), rules, vault, team)


def body_place(team: int, url: str) -> tuple[str | int, ...]:
    """What the seal of a body is bound to, as that of a secret header is."""
    return (team, "body", origin_of(url))


def _with_headers(spec: Mapping[str, Any], rules: Rules, vault: Vault, team: int) -> Mapping[str, Any]:
    headers = spec.get("headers")
    if not headers or not rules.headers:
        return spec
    return {**spec, "headers": vault.seal_headers(headers, team, origin_of(spec["url"]), rules.has)}


def _with_body(spec: Mapping[str, Any], rules: Rules, vault: Vault, team: int) -> Mapping[str, Any]:
    """A body that is sealed stays so: what is shown of it is not what is sent."""
    text = _text_of(spec)
    if LAST_OF_SPEC in spec or not text or (shown := rules.text(text, [])) == text:
        return spec
    rest = {name: value for name, value in spec.items() if name not in _BODIES}
    is_object = spec.get("body") is None and shown[:1] == "{"
    of_body = {"payload": from_json(shown)} if is_object else {"body": shown}
    return {**rest, **of_body, LAST_OF_SPEC: vault.seal(text, *body_place(team, spec["url"]))}


def _text_of(spec: Mapping[str, Any]) -> str | None:
    """What is sent, as a text."""
    if "payload_json" in spec:
        return str(spec["payload_json"])
    payload: Any = spec.get("payload")
    return spec.get("body") if payload is None else to_json(payload).decode()
