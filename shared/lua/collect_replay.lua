-- Add dead letters to a replay, and with the last of them let it run:  collecting -> running.
--
-- KEYS  prefix    ARGV  team, id, now ('' = server), whether these are the last ('1' or ''), then ids of jobs
-- Returns 1, or 0 if the replay was cancelled meanwhile.

local team, id = ARGV[1], ARGV[2]
local record = replay_of(team, id)
moment(ARGV[3])
if call('HGET', record, 'state') ~= 'collecting' then return 0 end
call('HSET', record, 'at', moment()) -- somebody still collects
local ids = {}
for i = 5, #ARGV do ids[i - 4] = ARGV[i] end
call_in_parts(ids, 'RPUSH', P .. 'replay_ids:' .. team .. ':' .. id)
if call('HINCRBY', record, 'total', #ids) == 0 and ARGV[4] == '1' then
    end_replay(team, id, 'finished') -- there was nothing to replay
elseif ARGV[4] == '1' then
    call('HSET', record, 'state', 'running', 'tokens', 1)
end
return 1
