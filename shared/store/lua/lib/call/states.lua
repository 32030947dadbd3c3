-- Every state that something is moved to, by its noun. Jobs, executions and crons are listed in an index a state.

local STATES = {
    job = { 'pending', 'processing', 'completed', 'failed', 'retrying', 'dead_lettered' },
    execution = { 'pending', 'processing', 'completed', 'failed', 'skipped' },
    notice = { 'pending', 'processing' },
    cron = { 'active', 'paused' },
    replay = { 'collecting', 'trying', 'running', 'finished', 'stopped', 'cancelled' },
    backfill = { 'running', 'finished', 'cancelled' },
    bulk = { 'running', 'completed', 'cancelled' },
    problem = { 'resolved', 'open', 'ignored' }, -- where there are too many, the first go first
}
local ENDED = { 'completed', 'failed', 'skipped' } -- of what is kept for its history; dead letters are apart
local LEDGER_STATE = { retrying = 'failed', dead_lettered = 'failed' } -- as the ledger counts them
local ALERT_TYPES = { 'warning', 'failure', 'recovery', 'limit_warning', 'storage_warning' }
