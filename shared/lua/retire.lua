#!lua flags=allow-oom
-- Remove finished history that is too old or too much, oldest first, a bounded step at a time.
--
-- KEYS  prefix    ARGV  now ('' = server), team, owner (q<queue> or c<cron>), age (ms), age of dead letters (ms,
--                       unless the queue says), most finished ones to keep, limit
-- Returns how many records went.

local now, team, owner = math.min(moment(ARGV[1]), vouched()), ARGV[2], ARGV[3]
local age, dead_age, most, limit = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local base, id_of_owner = P .. 'x:' .. team .. ':' .. owner .. ':', string.sub(owner, 2)
local is_queue, removed = string.sub(owner, 1, 1) == 'q', 0

-- An original goes with its chain; a retry alone, for its original may be kept for longer.
local function remove(id, state)
    if not is_queue then
        remove_execution(team, id_of_owner, id, state)
        return 1
    end
    if call('HEXISTS', record_of('j', team, id), 'origin') == 0 then return remove_chain(team, id) end
    remove_job(team, id)
    return 1
end

-- Remove from the oldest on while `is_over(its moment, how many went)`; records that are missing go from the index.
local function retire(state, moment_field, is_over)
    local gone = 0
    for _, id in ipairs(call('ZRANGE', base .. state, 0, limit - removed - 1)) do
        local at = call('HGET', record_of(is_queue and 'j' or 'e', team, id), moment_field)
        if at and not is_over(tonumber(at), gone) then return end
        gone = gone + 1
        if at then removed = removed + remove(id, state) else change_index(base .. state, id, false) end
        if removed >= limit then return end
    end
end

local function too_old(than)
    return function(at) return at + than < now end
end

if is_queue then
    local days = call('HGET', P .. 'q:' .. team .. ':' .. id_of_owner, 'dlq_days')
    retire('dead_lettered', 'dead_at', too_old(days and tonumber(days) * 86400000 or dead_age))
end
local ENDED = { 'completed', 'failed', 'skipped' } -- a job is never skipped
for _, state in ipairs(ENDED) do
    retire(state, 'due', too_old(age))
    local over = -removed - most
    for _, each in ipairs(ENDED) do over = over + call('ZCARD', base .. each) end
    if over > 0 and removed < limit then retire(state, 'due', function(_, gone) return gone < over end) end
end
conclude()
return removed
