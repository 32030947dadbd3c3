-- Of which type each key is, by how its name begins below the prefix; and which keys are whose.

local TYPES = { [JOB] = 'hash', [SPEC] = 'string', [RUN] = 'string', [QUEUE] = 'hash', [CRON] = 'hash', [EXECUTION] = 'hash',
    log = 'list', [NOTICE] = 'hash', [ALERT] = 'hash', g = 'hash', s = 'stream', f = 'stream', names = 'hash', ids = 'hash',
    ledger = 'hash', t = 'hash', [INDEX] = 'zset', replay = 'hash', replay_ids = 'list', replay_change = 'string', backfill = 'hash',
    backfill_moments = 'string', backfill_open = 'set', backfill_seen = 'zset', backfills = 'set', i = 'string',
    throttled = 'zset', retry_after = 'zset',
    hosts = 'hash', starts = 'zset', sent = 'zset', turns = 'zset', virtual_time = 'hash', teams = 'set', trusted_until = 'string',
    correction = 'string', cancels = 'stream', in_flight = 'set', due = 'zset', live = 'zset', troubles = 'hash', crons = 'zset',
    doomed = 'set', bell = 'stream', clock = 'stream', quarantine = 'stream', events = 'stream',
    audit = 'stream', audit_jobs = 'stream', replays = 'set', damaged = 'hash',
    fading = 'zset', memory = 'hash', zones = 'hash', clocks = 'hash', doubtful = 'zset', retention_waits = 'hash',
    keys = 'zset', rooms = 'zset', slots = 'zset', lines = 'zset', rests = 'zset', key_starts = 'zset', paused_keys = 'set',
    retired_at = 'string', figures = 'hash', figures_until = 'zset', watchdog = 'hash', stopped = 'string',
    problem = 'hash', problem_ids = 'hash', watched = 'hash', bulk = 'hash', bulk_ids = 'string', bulk_batch = 'list',
    bulk_refusals = 'list', bulks = 'set' }

-- `#` stands for the id of who it is. Of a team there are the indexes of its jobs' states and its alerts' types too, and
-- of a queue or cron those of all that is theirs.
local KEYS_OF = {
    shard = { 'damaged', 'turns', 'virtual_time', 'teams', 'trusted_until', 'correction', 'cancels', 'in_flight', 'due', 'crons',
        'live', 'troubles', 'doomed', 'bell', 'clock', 'quarantine', 'events', 'replays', 'backfills', 'fading', 'memory', 'zones', 'clocks',
        'doubtful', 'retention_waits', 'retired_at', 'watchdog', 'figures_until', 'bulks' },
    team = { 'names:#', 'ids:#', 'ledger:#', 't:#', 'throttled:#', 'retry_after:#', 'hosts:#', 'turns:#', 'x:#:queues', 'x:#:replays',
        'x:#:backfills', 'x:#:crons:active', 'x:#:crons:paused', 'x:#:executions', 'x:#:executions:failed', 'x:#:executions:skipped',
        'x:#:executions:late', 's:#:crons', 'f:#:crons', 's:#:outbox', 'f:#:outbox', 's:#:alerts', 'f:#:alerts',
        'audit:#', 'audit_jobs:#', 'problem_ids:#', 'x:#:bulks' },
    queue = { 'q:#', 's:#', 'f:#', 'starts:#', 'sent:#', 'keys:#', 'rooms:#', 'slots:#', 'lines:#', 'rests:#', 'key_starts:#',
        'paused_keys:#', 'watched:#' },
    cron = { 'c:#', 'log:#' },
    backfill = { 'backfill:#', 'backfill_moments:#', 'backfill_open:#', 'backfill_seen:#' },
    bulk = { 'bulk:#', 'bulk_ids:#', 'bulk_batch:#', 'bulk_refusals:#' },
}
