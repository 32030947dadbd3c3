#!lua flags=allow-oom
-- Remove finished history that is too old or too much, oldest first, a bounded step at a time.
--
-- Given `team`, `owner` (q<queue> or c<cron>), `age_ms`, `dead_age_ms` (of dead letters, unless the queue says),
-- `most_kept` (finished ones), `may_take_most` (nearly all may go at once), `limit`, now_ms.
-- Returns how many records went, and how many states of it wait from now on, for nearly all there was is too old at once.

local now, team, owner = math.min(moment(given.now_ms), vouched()), given.team, given.owner
local age, dead_age = tonumber(given.age_ms), tonumber(given.dead_age_ms)
local most, limit = tonumber(given.most_kept), tonumber(given.limit)
local base, id_of_owner = P .. 'x:' .. team .. ':' .. owner .. ':', string.sub(owner, 2)
local is_queue, removed, begun = string.sub(owner, 1, 1) == QUEUE, 0, 0
local MANY, PATIENCE = 300, 86400000 -- records, and ms

-- An original goes with its chain; a retry alone, for its original may be kept for longer.
local function remove(id, state)
    if not is_queue then
        remove_execution(team, id_of_owner, id, state)
        return 1
    end
    if call('HEXISTS', record_of(JOB, team, id), 'origin') == 0 then return remove_chain(team, id) end
    remove_job(team, id)
    return 1
end

-- Of a record that is missing the rows go.
local function forget(id, state)
    change_index(base .. state, id, false)
    if is_queue then return end
    change_index(base .. 'backfilled', id, false)
    for _, of in ipairs({ '', ':failed', ':skipped', ':late' }) do
        change_index(P .. 'x:' .. team .. ':executions' .. of, id, false)
    end
end

-- The moment (ms) of a record: what a backfill made is as old as that.
local function moment_of(id, moment_field)
    if not is_queue then return backfills.placed(team, id) end
    return tonumber(call('HGET', record_of(JOB, team, id), moment_field) or '')
end

-- Remove from the oldest on while `is_over(its moment, how many went)`; records that are missing go from the indexes.
local function retire(state, moment_field, is_over)
    local gone = 0
    for _, id in ipairs(call('ZRANGE', base .. state, 0, limit - removed - 1)) do
        local at = moment_of(id, moment_field)
        if at and not is_over(at, gone) then return end
        gone = gone + 1
        if at then removed = removed + remove(id, state) else forget(id, state) end
        if removed >= limit then return end
    end
end

local function too_old(than)
    return function(at) return at + than < now end
end

local function moment_in(index, rank, moment_field)
    local id = call('ZRANGE', index, rank, rank)[1]
    return id and moment_of(id, moment_field)
end

-- Whether more than half of many are too old, of the owner or of its team.
local function is_nearly_all(state, moment_field, is_over)
    for _, index in ipairs({ base .. state, P .. 'x:' .. team .. ':' .. state }) do
        local count = call('ZCARD', index)
        local middle = count >= MANY and moment_in(index, math.floor(count / 2), moment_field)
        if middle and is_over(middle) then return true end
    end
    return false
end

-- What is too old goes; nearly all there is goes only after a day in which somebody may find a clock or setting wrong.
local function retire_old(state, moment_field, is_over)
    local oldest = moment_in(base .. state, 0, moment_field)
    if oldest and not is_over(oldest) then return end
    local waits, name = P .. 'retention_waits', team .. ':' .. owner .. ':' .. state
    if given.may_take_most then return retire(state, moment_field, is_over) end
    if not is_nearly_all(state, moment_field, is_over) then
        call('HDEL', waits, name)
        return retire(state, moment_field, is_over)
    end
    local since = tonumber(call('HGET', waits, name) or '')
    if not since or since > now or now - since >= 2 * PATIENCE then -- so old, it was of something else that was put right
        call('HSET', waits, name, now)
        begun = begun + 1
    elseif now - since >= PATIENCE then
        retire(state, moment_field, is_over)
    end
end

if is_queue then
    local days = call('HGET', P .. 'q:' .. team .. ':' .. id_of_owner, 'dlq_days')
    retire_old('dead_lettered', 'dead_at', too_old(days and tonumber(days) * 86400000 or dead_age))
end
for _, state in ipairs(ENDED) do
    retire_old(state, 'due', too_old(age))
    local over = -removed - most
    for _, each in ipairs(ENDED) do over = over + call('ZCARD', base .. each) end
    if over > 0 and removed < limit then retire(state, 'due', function(_, gone) return gone < over end) end
end
conclude()
return { removed, begun }
