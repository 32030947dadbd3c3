#!lua repeatable
-- Add dead letters to a replay, and with the last of them let it run:  collecting -> running.
--
-- KEYS  prefix    ARGV  team, id, now ('' = server), how far they were collected before these, how far with them,
--                       whether they are the last ('1' or ''), then ids of jobs
-- Returns how far they are collected: where others were faster, not these. Or, once it runs or was cancelled, its row
-- as of `read_replays`.

local team, id = ARGV[1], ARGV[2]
local record = replay_of(team, id)
moment(ARGV[3])

local function row()
    return { id, call('HGETALL', record) }
end

local fields = fields_of(record, 'state', 'collected')
if fields.state ~= 'collecting' then return row() end
if (fields.collected or '0') ~= ARGV[4] then return tonumber(fields.collected or 0), REFUSED end
call('HSET', record, 'at', vouched(), 'collected', ARGV[5]) -- somebody still collects
local ids = {}
for i = 7, #ARGV do ids[i - 6] = ARGV[i] end
call_in_parts(ids, 'RPUSH', P .. 'replay_ids:' .. team .. ':' .. id)
local total = call('HINCRBY', record, 'total', #ids)
if ARGV[6] ~= '1' then return tonumber(ARGV[5]) end
if total == 0 then
    end_replay(team, id, 'finished') -- there was nothing to replay
else
    call('HSET', record, 'state', 'running', 'tokens', 1)
end
return row()
