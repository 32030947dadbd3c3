#!lua repeatable
-- Begin a backfill of a cron, of which no other runs:  (nothing) -> running.
--
-- Given the team, the cron and its `version`, `moments` (in s, ten digits each, ascending) and their `total`, from_ms, to_ms,
-- `skips` (moments that ran are left out), `parallelism`, `rate` (executions a second, nothing = any), `warnings` (what
-- the answer says beside, JSON), `most_running` and `most_kept` (of the team, running and ended), now_ms.
-- Returns its row as of `read_backfills`; or 0 if there is no such cron, -1 if it waits for pings, -2 if it changed since it was
-- read, -3 and the id of the backfill of it that runs, -4 if so many run. Of those that ended only the newest are kept.

local team, cron, now = given.team, given.cron, moment(given.now_ms)
local of_cron, index = P .. 'c:' .. team .. ':' .. cron, P .. 'x:' .. team .. ':backfills'
local its = fields_of(of_cron, 'version', 'grace', 'backfill')

local function state_of(id)
    return call('HGET', P .. 'backfill:' .. team .. ':' .. id, 'state')
end

if not its.version then return { 0 }, REFUSED end
if (its.grace or '') ~= '' then return { -1 }, REFUSED end
if its.version ~= given.version then return { -2 }, REFUSED end
if its.backfill and state_of(its.backfill) == 'running' then return { -3, its.backfill }, REFUSED end
local running, ended = 0, {}
for _, id in ipairs(call('ZREVRANGE', index, 0, -1)) do
    if state_of(id) == 'running' then running = running + 1 else ended[#ended + 1] = id end
end
if running >= tonumber(given.most_running) then return { -4 }, REFUSED end

local id = tostring(next_id(team, 'backfill'))
call('HSET', P .. 'backfill:' .. team .. ':' .. id, 'v', 1, 'state', 'running', 'cron', cron, 'from', given.from_ms, 'to',
    given.to_ms, 'skips', given.skips or '', 'parallelism', given.parallelism, 'rate', given.rate or '', 'total', given.total,
    'looked', 0, 'made', 0, 'skipped', 0, 'completed', 0, 'failed', 0, 'tokens', 1, 'at', vouched(), 'created', now,
    'warnings', given.warnings)
call('ZADD', index, id, id)
if given.total == '0' then
    backfills.finish(team, id)
else
    call('SET', P .. 'backfill_moments:' .. team .. ':' .. id, given.moments)
    call('SADD', P .. 'backfills', team .. ':' .. id)
    call('HSET', of_cron, 'backfill', id)
end
for i = tonumber(given.most_kept) + 1, #ended do backfills.forget(team, ended[i]) end
note_change('cron', cron)
note_change('backfill', id)
return backfills.row(team, id)
