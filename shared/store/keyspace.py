"""Every Redis key, named once. All of a team's keys carry its shard's hash tag, so a script touches one slot.

=============================  ======  =====================================================================
Key, below `r:{<shard>}:`      Type    Holds
=============================  ======  =====================================================================
j:<team>:<job>                 hash    where a job stands
b:<team>:<job>                 string  the spec of a job and its retries (JSON, sealed)
r:<team>:<j|e><id>             string  the run of a job or execution (JSON)
q:<team>:<queue>               hash    a queue: name, settings (JSON), and what the scripts look at
c:<team>:<cron>                hash    a cron: its spec (JSON) and where it stands
e:<team>:<execution>           hash    one fire of a cron
log:<team>:<cron>              list    how a cron fires, since when, and how it fired before (JSON)
n:<team>:<notice>              hash    a callback or alert to be sent, and where it stands
a:<team>:<alert>               hash    an alert: what failed, and its status in each channel
problem:<team>:<problem>       hash    failures that are alike, counted (`problems.lua`)
problem_ids:<team>             hash    problem ids by owner, reason and target
watched:<team>:<queue>         hash    ids of a queue's problems that are not resolved, by host and path
x:<team>:problems:<state>      zset    problem ids in a state, by when they were last seen (ms)
x:<team>:<q or c><id>:problems zset    problem ids of a queue or cron
x:<team>:p<id>:dead            zset    job ids of a problem that are dead letters
g:<team>:<queue>:<type>:<why>  hash    the alert that counts failures alike (of a queue, or `h<host>`)
s:<team>:<queue or a hidden>   stream  ready work in order, group `workers`; length = waiting + in flight
f:<team>:<queue or a hidden>   stream  the same, given back by a lost or stopping worker: goes first
names:<team>                   hash    queue ids by name
cron_keys:<team>               hash    cron ids by the caller's own key
planned:<team>                 hash    what decides the fires to come of crons, for lists of them
ids:<team>                     hash    the last id of each noun: job, queue, cron, execution, notice, alert …
ledger:<team>                  hash    jobs and executions: accepted, in each state, deleted; requests a month
t:<team>                       hash    what a team set: signing secrets (sealed), monthly limits, channels
x:<team>:<state>               zset    job ids of the team in a state
x:<team>:q<queue>:<state>      zset    job ids of a queue in a state
x:<team>:c<cron>:<state>       zset    execution ids of a cron in a state
x:<team>:c<cron>:backfilled    zset    execution ids of its backfills, by the moment that each stands for (ms)
x:<team>:executions            zset    execution ids of all crons, by the moment that each stands for (ms)
x:<team>:executions:<of>       zset    those of them that failed, were skipped or were made late
x:<team>:queues                zset    queue ids
x:<team>:replays               zset    replay ids
x:<team>:backfills             zset    backfill ids
x:<team>:bulks                 zset    ids of changes of many in the background
x:<team>:crons:<active|paused> zset    cron ids
x:<team>:alerts:<type>         zset    alert ids of a type
x:<team>:<q or c><id>:alerts   zset    alert ids of a queue or cron
replay:<team>:<replay>         hash    dead letters tried again in the background: how, and how it went
replay_ids:<team>:<replay>     list    the dead letters still to be tried by it
replay_change:<team>:<replay>  string  what it changes of their requests, secrets sealed; until it ends
replays                        set     <team>:<replay> of those that run
backfill:<team>:<backfill>     hash    past fires of a cron that are made now: which, and how far it is
backfill_moments:<team>:<it>   string  their moments, in s, ten digits each
backfill_open:<team>:<it>      set     execution ids of it that had not ended when it was stepped last
backfill_seen:<team>:<it>      zset    execution ids that its moments had before it, by those, until it ends
backfills                      set     <team>:<backfill> of those that run, or have open executions
bulk:<team>:<bulk>             hash    a change of many in the background: what, by whom, and how far it is
bulk_ids:<team>:<bulk>         string  which ones are meant, 16 digits each
bulk_batch:<team>:<bulk>       list    those that schedulers took of them, and did not do yet
bulk_refusals:<team>:<bulk>    list    the first that were refused: the id, and why
bulks                          set     <team>:<bulk> of those that run
zones                          hash    newest release of time zone rules, and when it was last reported (ms)
i:<team>:<digest>              string  request (digest) and answer under an idempotency key, for 24 h
throttled:<team>               zset    throttled hosts (Retry-After), by when they may be tried again (ms)
retry_after:<team>             zset    those that want a longer pause than they get, by when it would end (ms)
hosts:<team>                   hash    what is shown of those that rest, or rested lately
starts:<team>:<queue>          zset    claims that a queue's rate limit still counts, by their moment (ms)
sent:<team>:<queue>            zset    requests that it still counts, by the moment before they were sent (ms)
keys:<team>:<queue>            zset    keys that something waits or runs of, or that are paused
rooms:<team>:<queue>           zset    its jobs that have a key and may start, by key, moment and id
slots:<team>:<queue>           zset    entries of jobs that were handed out, by key
lines:<team>:<queue>           zset    keys that may start something, in the order in which they are served
rests:<team>:<queue>           zset    keys whose rate allows nothing now, by when it does (ms)
key_starts:<team>:<queue>      zset    what the rates of its keys still count, by key and moment
paused_keys:<team>:<queue>     set     names of its keys that are paused
turns                          zset    teams that may hand out work, by virtual time
turns:<team>                   zset    their queues that may hand out work, by virtual time
virtual_time                   hash    what each team and queue was served; `_` and `<team>:_`, the present
teams                          set     teams that have a queue or a cron here
trusted_until                  string  the latest moment (ms) that a scheduler vouches for: no more is due
correction                     string  what is added to the clock of Redis (ms); missing: nothing
clocks                         hash    by scheduler: when it last vouched, how far its clock was ahead (ms)
doubtful                       zset    what was computed while nobody vouched, by the time it used (ms)
retention_waits                hash    history nearly all too old at once, or `all`: since when (ms)
retired_at                     string  when history was last retired (ms)
figures:<team>:<period>        hash    what was started and ended in a minute, ten, an hour or a day, how long
figures_until                  zset    <team>:<period> of those, by when they are added up (ms)
watchdog                       hash    when all crons' next fires were checked, and what was found
cancels                        stream  running work that somebody wants cancelled, for the workers
in_flight                      set     queues with work in flight
due                            zset    what starts or ends later, <kind>:<team>:<padded id>, by when (ms)
crons                          zset    active crons, <team>:<cron>, by their next fire (ms)
fading                         zset    keys below the prefix to forget, by when (ms)
doomed                         set     deleted queues and crons whose history is still to be pruned
memory                         hash    how short of memory Redis is, as a scheduler saw it, and until when
stopped:<consumer>             string  a worker that claims nothing any more, for a minute
live                           zset    <service>:<host>:<pid> of processes, by when to give them up (ms)
troubles                       hash    what is wrong with those, by the same
bell                           stream  one wake-up for an idle worker, group `workers`
clock                          stream  "crons changed", for the schedulers
damaged                        hash    what was found damaged, by its name, since when (ms) and how
aside:<name>                   any     a key of a wrong type, moved out of the way
quarantine                     stream  entries that could not be read, with their bytes
audit:<team>                   stream  audit trail: each write of a caller but those on jobs, at most 100,000
audit_jobs:<team>              stream  the same of jobs, at most 20,000
events                         stream  what just happened (`shared.schemas.events`), at most about 10,000
=============================  ======  =====================================================================
"""

from dataclasses import dataclass

WORKERS, LANES = "workers", ("f:", "s:")
"""The consumer group of every ready stream and of the bell; the two streams of a queue."""
HIDDEN = ("crons", "outbox", "alerts")
"""Queues of each team that no caller makes: for executions, callbacks and alerts."""
FIGURES_UNTIL = "figures_until"
"""Below the prefix of a shard."""
SHARDS, GLOBAL = ("s0",), "global"
"""Where what teams do is kept; and where accounts are, which are of no shard."""


@dataclass(frozen=True, slots=True)
class Team:
    """The owner of everything below it, and the shard it lives in."""

    id: int
    shard: str = SHARDS[0]

    @property
    def prefix(self) -> str:
        return prefix(self.shard)


def prefix(shard: str) -> str:
    return f"r:{{{shard}}}:"


def bell(shard: str) -> str:
    return f"{prefix(shard)}bell"


def clock(shard: str) -> str:
    return f"{prefix(shard)}clock"


def events(shard: str) -> str:
    return f"{prefix(shard)}events"


def audit_trails(team: Team) -> tuple[str, ...]:
    names = f"audit:{team.id}", f"audit_jobs:{team.id}"
    return tuple(where + name for where in (team.prefix, prefix(GLOBAL)) for name in names)


def retention_waits(shard: str) -> str:
    return f"{prefix(shard)}retention_waits"


def watchdog(shard: str) -> str:
    return f"{prefix(shard)}watchdog"


def cancels(shard: str) -> str:
    return f"{prefix(shard)}cancels"


def trusted_until(shard: str) -> str:
    return f"{prefix(shard)}trusted_until"


def correction(shard: str) -> str:
    return f"{prefix(shard)}correction"


def due(shard: str) -> str:
    return f"{prefix(shard)}due"


def turns(shard: str) -> str:
    return prefix(shard) + "turns"


def crons(shard: str) -> str:
    return f"{prefix(shard)}crons"


def in_flight(shard: str) -> str:
    return f"{prefix(shard)}in_flight"


def zones(shard: str) -> str:
    return f"{prefix(shard)}zones"


def replays(shard: str) -> str:
    return f"{prefix(shard)}replays"


def backfills(shard: str) -> str:
    return f"{prefix(shard)}backfills"


def bulks(shard: str) -> str:
    return f"{prefix(shard)}bulks"


def damaged(shard: str) -> str:
    return f"{prefix(shard)}damaged"


def teams_in(shard: str) -> str:
    return f"{prefix(shard)}teams"


def team_settings(team: Team) -> str:
    return f"{team.prefix}t:{team.id}"


def queue(team: Team, queue: str) -> str:
    return f"{team.prefix}q:{team.id}:{queue}"


def queue_names(team: Team) -> str:
    return f"{team.prefix}names:{team.id}"


def ledger(team: Team) -> str:
    return f"{team.prefix}ledger:{team.id}"


def live() -> str:
    return f"{prefix(SHARDS[0])}live"


def troubles() -> str:
    return f"{prefix(SHARDS[0])}troubles"


def doomed(shard: str) -> str:
    return f"{prefix(shard)}doomed"
