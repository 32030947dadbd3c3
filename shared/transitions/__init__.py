"""Every change and look that is one step in Redis, as a function with names and types.

Where one is given no `now_ms` it goes by the installation's clock. All raise errors of `store.AWAY`; those
that write raise OutcomeUnknown where nobody can say whether they did.
"""

from shared.transitions.clock import Clock, correct, read_clock, reckon_due, vouch
from shared.transitions.crons import Pinged, StoredCron, delete_cron, list_crons, ping_cron, read_crons
from shared.transitions.executions import (
    FoundExecutions,
    StoredExecution,
    find_executions,
    read_executions,
    run_cron,
)
from shared.transitions.functions import Function, is_missing, recall
from shared.transitions.hosts import free_host, hold_host, probe_host
from shared.transitions.patrol import patrol, patrol_chosen, patrol_crons
from shared.transitions.work import (
    Claimed,
    Entry,
    Finished,
    Held,
    Pending,
    admit,
    beat,
    claim,
    finish,
    in_flight,
    join_claim,
    join_finish,
    promote,
    rescue,
    stop_worker,
)

__all__ = [
    "Claimed",
    "Clock",
    "Entry",
    "Finished",
    "FoundExecutions",
    "Function",
    "Held",
    "Pending",
    "Pinged",
    "StoredCron",
    "StoredExecution",
    "admit",
    "beat",
    "claim",
    "correct",
    "delete_cron",
    "find_executions",
    "finish",
    "free_host",
    "hold_host",
    "in_flight",
    "is_missing",
    "join_claim",
    "join_finish",
    "list_crons",
    "patrol",
    "patrol_chosen",
    "patrol_crons",
    "ping_cron",
    "probe_host",
    "promote",
    "read_clock",
    "read_crons",
    "read_executions",
    "recall",
    "reckon_due",
    "rescue",
    "run_cron",
    "stop_worker",
    "vouch",
]
