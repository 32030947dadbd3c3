#!lua repeatable
-- Begin a replay, whose ids are still to be collected:  (nothing) -> collecting.
--
-- KEYS  prefix    ARGV  team, now ('' = server), jobs a second, failures to stop after ('' = never), most kept
-- Returns its id. Of a team's replays that have ended only the newest are kept.

local team, now = ARGV[1], moment(ARGV[2])
local id, index = next_id(team, 'replay'), P .. 'x:' .. team .. ':replays'
call('HSET', replay_of(team, id), 'v', 1, 'state', 'collecting', 'rate', ARGV[3], 'stop_after', ARGV[4], 'total', 0,
    'replayed', 0, 'skipped', 0, 'completed', 0, 'failed', 0, 'waiting', 0, 'created', now, 'at', vouched())
call('SADD', P .. 'replays', team .. ':' .. id)
call('ZADD', index, id, id)
for _, old in ipairs(call('ZRANGE', index, 0, -tonumber(ARGV[5]) - 1)) do
    if call('HEXISTS', replay_of(team, old), 'ended') == 1 then
        call('ZREM', index, old)
        call('DEL', replay_of(team, old))
    end
end
return id
