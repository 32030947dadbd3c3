#!lua repeatable
-- Add dead letters to a replay, and with the last of them let it begin:  collecting -> trying | running.
--
-- Given `team`, `replay`, `after` (how far they were collected before these), `up_to` (how far with them), `is_last`,
-- `may_repeat` (if two ids may be of one chain), now_ms; and ids of jobs.
-- Returns how far they are collected: where others were faster, not these. Or, once it began or was cancelled, its row
-- as of `read_replays`. If another number was expected it ends unsent:  collecting -> cancelled.

local team, id = given.team, given.replay
local record, listed = replay_of(team, id), P .. 'replay_ids:' .. team .. ':' .. id
moment(given.now_ms)

local fields = fields_of(record, 'state', 'collected', 'expected', 'first')

local function row()
    return { id, call('HGETALL', record) }
end

-- Where their number counts, each dead letter that is one at this moment, once.
local function counted(ids)
    local found, seen = {}, {}
    for _, one in ipairs(ids) do
        local first = original_of(team, one)
        local is_known = seen[first] or given.may_repeat and call('LPOS', listed, first)
        seen[first] = true
        local is_dead = call('HGET', record_of(JOB, team, first), 'state') == 'dead_lettered'
        if is_dead and not is_known then found[#found + 1] = first end
    end
    return found
end

if fields.state ~= 'collecting' then return row() end
if (fields.collected or '0') ~= given.after then return tonumber(fields.collected or 0), REFUSED end
local ids = given_list()
if fields.expected then ids = counted(ids) end
call('HSET', record, 'at', vouched(), 'collected', given.up_to) -- somebody still collects
call_in_parts(ids, 'RPUSH', listed)
local total = call('HINCRBY', record, 'total', #ids)
if not given.is_last then return tonumber(given.up_to) end
if fields.expected and tonumber(fields.expected) ~= total then
    end_replay(team, id, 'cancelled', 'expected_count')
elseif total == 0 then
    end_replay(team, id, 'finished', '') -- there was nothing to replay
else
    call('HSET', record, 'state', fields.first and 'trying' or 'running', 'tokens', 1)
end
return row()
