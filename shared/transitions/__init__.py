"""Every change and look that is one step in Redis, as a function with names and types.

Where one is given no `now_ms` it goes by the installation's clock. All raise errors of `store.AWAY`; those
that write raise OutcomeUnknown where nobody can say whether they did.
"""

from shared.transitions.clock import Clock, correct, read_clock, reckon_due, vouch
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
    "Function",
    "Held",
    "Pending",
    "admit",
    "beat",
    "claim",
    "correct",
    "finish",
    "free_host",
    "hold_host",
    "in_flight",
    "is_missing",
    "join_claim",
    "join_finish",
    "patrol",
    "patrol_chosen",
    "patrol_crons",
    "probe_host",
    "promote",
    "read_clock",
    "recall",
    "reckon_due",
    "rescue",
    "stop_worker",
    "vouch",
]
