#!lua repeatable
-- Make a cron, or change one that is still as it was read; what was due by the plan it had is fired first.
--
-- Given the team, the cron and its version (nothing = a new one, which may have a `key` of the caller's own), now_ms;
-- `keeps_next`, or next_ms (its next fire from now on, nothing = none) and of the plan it had: `known_next` (its next fire as
-- read, ms), not_due_ms (the first one that is not due), fired_until_ms (its last one then, without its offset); `secret`
-- (for the key of a new one that waits for pings), `change` (how it fires from now on, for the log, JSON), `warnings` (what
-- the answer says beside, JSON); and rows: the cron, with '' for what it has not, then the fires that are due.
-- Returns the id, its fields, what the answer says beside; 'stale' if the cron changed, fired or went since it was read,
-- if more is due by now, or if its next fire has passed. Or of a new one the id alone of the cron that has its key.

local CRON_FIELDS = { 'spec', 'is_active', 'expression', 'timezone', 'callback', 'alert_threshold', 'name', 'timing', 'overlap',
    'max_runs', 'offset_seconds', 'phase', 'grace_ms', 'pause_after', 'labels' }
local MOST_CHANGES = 100 -- of a cron's schedule that are remembered
local team, now, id, its = given.team, moment(given.now_ms), given.cron, next_row(CRON_FIELDS)
local active, most, offset = its.is_active == '1', tonumber(its.max_runs), its.offset_seconds * 1000
local is_computed, next_fire, not_due = not given.keeps_next, given.next_ms, given.not_due_ms
local index, keys = P .. 'x:' .. team .. ':crons:', P .. 'cron_keys:' .. team
local stands = id and fields_of(P .. 'c:' .. team .. ':' .. id, unpack(STANDS)) or {}

-- Whether the next fire that was computed is one that is still to come, and nothing is due beside what was judged.
local function is_in_time()
    if stands.next ~= given.known_next then return false end
    if not_due and tonumber(not_due) <= now then return false end
    return not next_fire or (tonumber(next_fire) > now and is_fresh(next_fire - offset, stands.fired_until))
end

-- The cron of a key, if it is there. If all keys were lost they are read from the crons.
local function cron_of_key(key)
    if call('EXISTS', keys) == 0 then
        for _, state in ipairs(STATES.cron) do
            for _, one in ipairs(call('ZRANGE', index .. state, 0, -1)) do
                local its_key = call('HGET', P .. 'c:' .. team .. ':' .. one, 'key')
                if its_key then call('HSETNX', keys, its_key, one) end
            end
        end
    end
    local known = call('HGET', keys, key)
    return known and call('EXISTS', P .. 'c:' .. team .. ':' .. known) == 1 and known
end

local known = not id and given.key and cron_of_key(given.key)
if known then return { known }, REFUSED end
if id and stands.version ~= given.version then return 'stale', REFUSED end
if is_computed and not is_in_time() then return 'stale', REFUSED end

if not id then
    id = tostring(next_id(team, 'cron'))
    call('HSET', P .. 'c:' .. team .. ':' .. id, 'v', 1, 'version', 0, 'created', now, 'failures', 0)
    if given.maker then call('HSET', P .. 'c:' .. team .. ':' .. id, 'by', given.maker) end
    call('SADD', P .. 'teams', team)
    if given.key then
        call('HSET', P .. 'c:' .. team .. ':' .. id, 'key', given.key)
        call('HSET', keys, given.key, id)
    end
end

local record, member = P .. 'c:' .. team .. ':' .. id, team .. ':' .. id
if is_computed then
    local policy = policy_of(stands)
    fire_all(team, id, policy, next_fires())
    note_fires(record, stands, policy, math.max(now - offset, tonumber(given.fired_until_ms)))
    if most and policy.runs >= most then next_fire = nil end
end
call('HSET', record, 'spec', its.spec, 'is_active', its.is_active, 'expression', its.expression, 'timezone', its.timezone,
    'callback', its.callback, 'alert_threshold', its.alert_threshold, 'name', its.name, 'timing', its.timing, 'overlap',
    its.overlap, 'max_runs', its.max_runs, 'offset', its.offset_seconds, 'phase', its.phase, 'grace', its.grace_ms,
    'pause_after', its.pause_after, 'labels', its.labels)
if active and call('HDEL', record, 'paused_after') == 1 then -- somebody looked at it: it begins anew
    call('HSET', record, 'failures', 0, 'resumed', 1)
    call('HDEL', record, 'alerted', 'failing_since', 'alert')
end
if given.secret then call('HSETNX', record, 'ping', given.secret) end
call('HINCRBY', record, 'version', 1)
local was_damaged = call('HDEL', P .. 'damaged', 'c:' .. member) == 1
call('ZREM', index .. (active and 'paused' or 'active'), id)
call('ZADD', index .. (active and 'active' or 'paused'), id, id)
if is_computed and next_fire then
    call('ZADD', P .. 'crons', next_fire, member)
    call('HSET', record, 'next', next_fire)
elseif is_computed then
    call('ZREM', P .. 'crons', member)
    call('HDEL', record, 'next')
end
if was_damaged and not is_computed and call('HGET', record, 'next') then -- it was taken out of the due ones
    call('ZADD', P .. 'crons', call('HGET', record, 'next'), member)
end
planned.write(team, id)
if is_computed then -- which says when it was to fire from now on
    call('RPUSH', P .. 'log:' .. member, now .. ' ' .. given.change)
    call('LTRIM', P .. 'log:' .. member, -MOST_CHANGES, -1)
end
tell_clock(member)
conclude()
note_change('cron', id)
return { id, call('HGETALL', record), given.warnings }
