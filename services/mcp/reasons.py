"""Why an agent makes a write: an argument of every such tool, which goes to the audit trail alone."""

from collections.abc import Mapping
from typing import Any

from services.mcp import outside
from services.mcp.tools import Tool
from shared.errors import Invalid
from shared.store.writes import REASON_CHARACTERS

REASON = "reason"


def split(row: Tool[Any], given: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """The arguments without the reason, and the reason; raises Invalid for one that is none."""
    if row.scope == "read" or REASON not in given:
        return given, ""
    found = given[REASON]
    if found is not None and not isinstance(found, str):
        raise Invalid(REASON, "The reason field must be text: a sentence that says why.")
    reason = outside.clean(found or "").strip()
    if len(reason) > REASON_CHARACTERS:
        raise Invalid(REASON, f"The reason field must hold {REASON_CHARACTERS} characters at most.")
    return {name: value for name, value in given.items() if name != REASON}, reason
