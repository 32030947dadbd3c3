#!lua repeatable
-- Add dead letters to a replay, and with the last of them let it run:  collecting -> running.
--
-- Given `team`, `replay`, `after` (how far they were collected before these), `up_to` (how far with them), `is_last`,
-- now_ms; and ids of jobs.
-- Returns how far they are collected: where others were faster, not these. Or, once it runs or was cancelled, its row
-- as of `read_replays`.

local team, id = given.team, given.replay
local record = replay_of(team, id)
moment(given.now_ms)

local function row()
    return { id, call('HGETALL', record) }
end

local fields = fields_of(record, 'state', 'collected')
if fields.state ~= 'collecting' then return row() end
if (fields.collected or '0') ~= given.after then return tonumber(fields.collected or 0), REFUSED end
call('HSET', record, 'at', vouched(), 'collected', given.up_to) -- somebody still collects
local ids = given_list()
call_in_parts(ids, 'RPUSH', P .. 'replay_ids:' .. team .. ':' .. id)
local total = call('HINCRBY', record, 'total', #ids)
if not given.is_last then return tonumber(given.up_to) end
if total == 0 then
    end_replay(team, id, 'finished') -- there was nothing to replay
else
    call('HSET', record, 'state', 'running', 'tokens', 1)
end
return row()
