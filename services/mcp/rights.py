"""Which tools a caller may use: those are listed for it, and all others are refused."""

from collections.abc import Callable
from typing import Any

from mcp_types import ListToolsResult

from services.mcp.listing import LISTING
from services.mcp.tools import TOOLS, Tool
from shared.errors import Forbidden
from shared.security.caller import Caller

FRESH_MS = 300_000
"""How long a client may keep the list of its token."""
DELETING = frozenset({"delete-cron", "delete-job", "delete-many"})
READONLY_PATH = "/mcp/readonly"


def check(row: Tool[Any], caller: Caller, *, reads_only: bool = False) -> None:
    """Raise Forbidden if the caller may not use the tool at all, whatever the arguments are."""
    if reads_only and row.scope != "read":
        raise Forbidden(f"{READONLY_PATH} is for reading only, and {row.name} writes", "readonly")
    caller.may(row.scope)
    if caller.limits and row.name in DELETING:
        caller.limits.check_delete()


def usable(caller: Caller | None, *, reads_only: bool = False) -> Callable[[str], bool]:
    """Whether a tool of that name can be used; while Redis is away nobody knows, and all are said to be."""

    def can_use(name: str) -> bool:
        row = TOOLS[name]
        if caller is None:
            return not reads_only or row.scope == "read"
        try:
            check(row, caller, reads_only=reads_only)
        except Forbidden:
            return False
        return True

    return can_use


def listed(caller: Caller | None, *, reads_only: bool = False) -> ListToolsResult:
    """The list for this caller, which others may not share; without one it may not even be kept."""
    can_use = usable(caller, reads_only=reads_only)
    return ListToolsResult(
        tools=[tool for name, tool in LISTING.items() if can_use(name)],
        ttl_ms=FRESH_MS if caller else 0,
        cache_scope="private",
    )
