#!lua flags=allow-oom
-- Find those queues or crons of a team of whose history something may go; `retire` decides that, and removes it.
--
-- Given `team`, `kind` (q|c), `index` (of all, below x:<team>:), `after` (an id), `limit`, `age_ms`, `dead_age_ms` (of dead
-- letters, unless the queue says), `most_kept` (finished ones), now_ms.
-- Returns the last id looked at (0 = all were), and the ids of those.

local now, team, kind = math.min(moment(given.now_ms), vouched()), given.team, given.kind
local limit, found = tonumber(given.limit), {}
local age, dead_age, most = tonumber(given.age_ms), tonumber(given.dead_age_ms), tonumber(given.most_kept)

-- Whether the oldest of an index is from before, or is not there at all.
local function is_older(index, field, moment_before)
    local oldest = call('ZRANGE', index, 0, 0)[1]
    if not oldest then return false end
    local at
    if kind == QUEUE then
        at = tonumber(call('HGET', record_of(JOB, team, oldest), field) or '')
    else
        at = backfills.placed(team, oldest)
    end
    return not at or at < moment_before
end

local function has_dead_ones(id, base)
    if kind ~= QUEUE or call('EXISTS', base .. 'dead_lettered') == 0 then return false end
    local days = tonumber(call('HGET', P .. 'q:' .. team .. ':' .. id, 'dlq_days') or '')
    return is_older(base .. 'dead_lettered', 'dead_at', now - (days and days * 86400000 or dead_age))
end

local function is_overdue(id)
    local base, kept = P .. 'x:' .. team .. ':' .. kind .. id .. ':', 0
    if has_dead_ones(id, base) then return true end
    if call('EXISTS', base .. ENDED[1], base .. ENDED[2], base .. ENDED[3]) == 0 then return false end
    for _, state in ipairs(ENDED) do
        if is_older(base .. state, 'due', now - age) then return true end
        kept = kept + call('ZCARD', base .. state)
    end
    return kept > most
end

local ids = call('ZRANGEBYSCORE', P .. 'x:' .. team .. ':' .. given.index, '(' .. given.after, '+inf', 'LIMIT', 0, limit)
for _, id in ipairs(ids) do
    if is_overdue(id) then found[#found + 1] = id end
end
return { #ids == limit and tonumber(ids[#ids]) or 0, found }
