"""Which tools agents are offered over MCP, and what a token needs to see each.

The gateway has its own table, which a test compares: the pages know nothing of the gateway.
"""

from typing import Literal, NamedTuple


class McpTool(NamedTuple):
    """A tool, as who sets an agent up is told of it."""

    name: str
    title: str
    scope: Literal["read", "write", "admin"]
    deletes: bool = False
    """A token that may not delete does not see it."""


MCP_TOOLS = (
    McpTool("get-status", "Get status", "read"),
    McpTool("list-crons", "List crons", "read"),
    McpTool("get-cron", "Get cron", "read"),
    McpTool("explain-cron", "Explain a schedule", "read"),
    McpTool("list-executions", "List executions", "read"),
    McpTool("list-jobs", "List jobs", "read"),
    McpTool("get-job", "Get job", "read"),
    McpTool("list-queues", "List queues", "read"),
    McpTool("create-cron", "Create cron", "write"),
    McpTool("create-crons", "Create several crons", "write"),
    McpTool("update-cron", "Update cron", "write"),
    McpTool("update-crons", "Update many crons", "write"),
    McpTool("run-cron", "Run a cron now", "write"),
    McpTool("delete-cron", "Delete cron", "write", deletes=True),
    McpTool("create-job", "Create job", "write"),
    McpTool("delete-job", "Delete job", "write", deletes=True),
    McpTool("delete-many", "Delete many crons or jobs", "write", deletes=True),
    McpTool("update-queue", "Update queue", "write"),
    McpTool("replay-dead-letters", "Replay dead letters", "write"),
    McpTool("set-alert-channel", "Set an alert channel", "admin"),
)
"""Those that read first, as the page of a token's rights has them."""
