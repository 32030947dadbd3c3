"""Every change and look that is one step in Redis, as a function with names and types.

Where one is given no `now_ms` it goes by the installation's clock. All raise errors of `store.AWAY`; those
that write raise OutcomeUnknown where nobody can say whether they did.
"""

from shared.transitions.alerts import (
    read_alerts,
    test_channel,
)
from shared.transitions.dead_letters import (
    ReplayedJob,
    cancel_replay,
    collect_replay,
    purge_jobs,
    read_replays,
    replay_jobs,
    start_replay,
    step_replay,
)
from shared.transitions.functions import Function, is_missing, recall
from shared.transitions.hosts import free_host, hold_host, probe_host
from shared.transitions.jobs import (
    CreatedJob,
    NewJob,
    StoredJob,
    cancel_job,
    create_jobs,
    delete_job,
    read_jobs,
)
from shared.transitions.lists import (
    page,
)
from shared.transitions.queues import (
    QueueFields,
    StoredQueue,
    delete_queue,
    read_queues,
    save_queue,
)
from shared.transitions.records import (
    StoredRecord,
)
from shared.transitions.retention import (
    Looked,
    begin_retiring,
    find_overdue,
    forget,
    prune,
    retire,
    retire_alerts,
)
from shared.transitions.teams import (
    Setting,
    reseal,
    rotate_signing,
    set_team,
)
from shared.transitions.upkeep import (
    audit,
    find_owners,
    mend_queues,
    mend_shard,
    mend_team,
    note_memory,
    say_alive,
    tidy,
)
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
    "CreatedJob",
    "Entry",
    "Finished",
    "Function",
    "Held",
    "StoredJob",
    "Looked",
    "NewJob",
    "Pending",
    "QueueFields",
    "StoredQueue",
    "ReplayedJob",
    "StoredRecord",
    "Setting",
    "admit",
    "audit",
    "beat",
    "begin_retiring",
    "cancel_job",
    "cancel_replay",
    "claim",
    "collect_replay",
    "create_jobs",
    "delete_job",
    "delete_queue",
    "find_overdue",
    "find_owners",
    "finish",
    "forget",
    "free_host",
    "hold_host",
    "in_flight",
    "is_missing",
    "join_claim",
    "join_finish",
    "mend_queues",
    "mend_shard",
    "mend_team",
    "note_memory",
    "page",
    "probe_host",
    "promote",
    "prune",
    "purge_jobs",
    "read_alerts",
    "read_jobs",
    "read_queues",
    "read_replays",
    "recall",
    "replay_jobs",
    "rescue",
    "reseal",
    "retire",
    "retire_alerts",
    "rotate_signing",
    "save_queue",
    "say_alive",
    "set_team",
    "start_replay",
    "step_replay",
    "stop_worker",
    "test_channel",
    "tidy",
]
