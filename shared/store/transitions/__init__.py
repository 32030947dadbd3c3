"""Every change and look that is one step in Redis, as a function with names and types.

Where one is given no `now_ms` it goes by the installation's clock. All raise errors of `store.AWAY`; those
that write raise OutcomeUnknown where nobody can say whether they did.
"""
# isort: skip_file

from shared.store.transitions.alerts import (
    count_open_alerts as count_open_alerts,
    read_alerts as read_alerts,
    resend_alert as resend_alert,
    test_channel as test_channel,
)
from shared.store.transitions.clock import (
    Clock as Clock,
    correct as correct,
    read_clock as read_clock,
    reschedule_doubtful as reschedule_doubtful,
    vouch as vouch,
)
from shared.store.transitions.crons import (
    CronFields as CronFields,
    OfKey as OfKey,
    Pinged as Pinged,
    SavedCron as SavedCron,
    SeenCron as SeenCron,
    StoredCron as StoredCron,
    WhichCron as WhichCron,
    delete_cron as delete_cron,
    find_cron as find_cron,
    list_crons as list_crons,
    look_at_crons as look_at_crons,
    ping_cron as ping_cron,
    read_crons as read_crons,
    reading_crons as reading_crons,
    reading_list as reading_list,
    save_cron as save_cron,
)
from shared.store.transitions.dead_letters import (
    ChangedRequest as ChangedRequest,
    KeptChange as KeptChange,
    Peeked as Peeked,
    PeekedJob as PeekedJob,
    ReplayedJob as ReplayedJob,
    cancel_replay as cancel_replay,
    collect_replay as collect_replay,
    peek_replay as peek_replay,
    purge_jobs as purge_jobs,
    read_replays as read_replays,
    replay_changed_jobs as replay_changed_jobs,
    replay_jobs as replay_jobs,
    start_replay as start_replay,
    step_replay as step_replay,
)
from shared.store.transitions.executions import (
    FoundExecutions as FoundExecutions,
    ListedExecution as ListedExecution,
    StoredExecution as StoredExecution,
    find_executions as find_executions,
    list_executions as list_executions,
    list_of_cron as list_of_cron,
    look_at_executions as look_at_executions,
    read_executions as read_executions,
    read_listed as read_listed,
    relist_executions as relist_executions,
    run_cron as run_cron,
)
from shared.store.transitions.fires import (
    CronAside as CronAside,
    DueCron as DueCron,
    DueCrons as DueCrons,
    Fire as Fire,
    JudgedCron as JudgedCron,
    Owed as Owed,
    Renewal as Renewal,
    StoredPlan as StoredPlan,
    announce_zones as announce_zones,
    due_crons as due_crons,
    fire_crons as fire_crons,
    read_plans as read_plans,
    renew_crons as renew_crons,
    set_crons_aside as set_crons_aside,
    settle_cron as settle_cron,
)
from shared.store.transitions.functions import (
    Function as Function,
    Read as Read,
    is_missing as is_missing,
    recall as recall,
)
from shared.store.transitions.hosts import (
    StoredHost as StoredHost,
    probe_host as probe_host,
    read_hosts as read_hosts,
    throttle_host as throttle_host,
    unthrottle_host as unthrottle_host,
)
from shared.store.transitions.jobs import (
    CreatedJob as CreatedJob,
    Creator as Creator,
    NewJob as NewJob,
    OtherRules as OtherRules,
    SEEN_OF_JOB as SEEN_OF_JOB,
    SeenJob as SeenJob,
    StoredJob as StoredJob,
    cancel_job as cancel_job,
    create_jobs as create_jobs,
    delete_job as delete_job,
    look_at_jobs as look_at_jobs,
    move_job as move_job,
    read_jobs as read_jobs,
    reading_jobs as reading_jobs,
)
from shared.store.transitions.lists import (
    Below as Below,
    Seen as Seen,
    list_below as list_below,
    page as page,
)
from shared.store.transitions.patrol import (
    mend_strips as mend_strips,
    patrol as patrol,
    patrol_chosen as patrol_chosen,
    patrol_crons as patrol_crons,
)
from shared.store.transitions.queues import (
    StoredKey as StoredKey,
    StoredQueue as StoredQueue,
    delete_queue as delete_queue,
    pause_key as pause_key,
    read_keys as read_keys,
    read_queues as read_queues,
    reading_queues as reading_queues,
    save_queue as save_queue,
)
from shared.store.transitions.records import (
    Awaited as Awaited,
    StoredRecord as StoredRecord,
    read_ends as read_ends,
)
from shared.store.transitions.reports.backfills import (
    Bounds as Bounds,
    NewBackfill as NewBackfill,
    Refused as Refused,
    StoredBackfill as StoredBackfill,
    cancel_backfill as cancel_backfill,
    find_moments as find_moments,
    read_backfills as read_backfills,
    relist_backfills as relist_backfills,
    start_backfill as start_backfill,
    step_backfill as step_backfill,
)
from shared.store.transitions.reports.bulks import (
    ClaimedBulk as ClaimedBulk,
    NewBulk as NewBulk,
    Settled as Settled,
    StoredBulk as StoredBulk,
    cancel_bulk as cancel_bulk,
    claim_bulk as claim_bulk,
    read_bulks as read_bulks,
    relist_bulks as relist_bulks,
    settle_bulk as settle_bulk,
    start_bulk as start_bulk,
)
from shared.store.transitions.reports.coming import (
    ComingCron as ComingCron,
    read_coming as read_coming,
    read_coming_of as read_coming_of,
)
from shared.store.transitions.reports.figures import (
    Periods as Periods,
    read_figures as read_figures,
    roll_figures as roll_figures,
)
from shared.store.transitions.reports.problems import (
    PROBLEM_STATES as PROBLEM_STATES,
    ListedProblem as ListedProblem,
    PartOfProblems as PartOfProblems,
    StoredProblem as StoredProblem,
    change_problem as change_problem,
    list_problems as list_problems,
    mend_problems as mend_problems,
    quiet_alert as quiet_alert,
    read_problems as read_problems,
    retire_problems as retire_problems,
)
from shared.store.transitions.retention import (
    Looked as Looked,
    begin_retiring as begin_retiring,
    find_overdue as find_overdue,
    forget as forget,
    prune as prune,
    retire as retire,
    retire_alerts as retire_alerts,
)
from shared.store.transitions.teams import (
    Setting as Setting,
    note_bulk as note_bulk,
    reseal as reseal,
    rotate_signing as rotate_signing,
    set_team as set_team,
    spread_redaction as spread_redaction,
)
from shared.store.transitions.tokens import (
    MOST_TOKENS as MOST_TOKENS,
    Counted as Counted,
    NewToken as NewToken,
    SavedToken as SavedToken,
    StoredToken as StoredToken,
    TokenFields as TokenFields,
    Window as Window,
    adopt_tokens as adopt_tokens,
    change_token as change_token,
    count_use as count_use,
    create_token as create_token,
    delete_token as delete_token,
    note_refusal as note_refusal,
    note_use as note_use,
    name_makers as name_makers,
    name_makers_command as name_makers_command,
    names_of as names_of,
    read_tokens as read_tokens,
    renew_token as renew_token,
)
from shared.store.transitions.upkeep import (
    count_ended as count_ended,
    find_owners as find_owners,
    mend_queues as mend_queues,
    mend_shard as mend_shard,
    mend_team as mend_team,
    note_memory as note_memory,
    recount as recount,
    say_alive as say_alive,
    tidy as tidy,
)
from shared.store.transitions.work import (
    Claimed as Claimed,
    Entry as Entry,
    Finished as Finished,
    FinishedRow as FinishedRow,
    DetailedRow as DetailedRow,
    Detail as Detail,
    InFlight as InFlight,
    Pending as Pending,
    admit as admit,
    beat as beat,
    claim as claim,
    claim_command as claim_command,
    finish as finish,
    finish_command as finish_command,
    in_flight as in_flight,
    promote as promote,
    rescue as rescue,
    stop_worker as stop_worker,
)
