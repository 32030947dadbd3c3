"""Answers that the API gave in a test, as examples of the OpenAPI document."""

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("examples.json")
"""By operation and status; `make examples` renews it, and a test compares it with what the API answers."""


def read() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(FILE.read_text())
    return found
