#!lua repeatable
-- Begin a replay, whose ids are still to be collected:  (nothing) -> collecting.
--
-- Given `team`, `rate` (jobs a second), `stop_after` (so many failures; never if nothing), `most_kept`, now_ms.
-- Returns its id. Of a team's replays that have ended only the newest are kept.

local team, now = given.team, moment(given.now_ms)
local id, index = next_id(team, 'replay'), P .. 'x:' .. team .. ':replays'
call('HSET', replay_of(team, id), 'v', 1, 'state', 'collecting', 'rate', given.rate, 'stop_after', given.stop_after or '',
    'total', 0, 'replayed', 0, 'skipped', 0, 'completed', 0, 'failed', 0, 'waiting', 0, 'created', now, 'at', vouched())
call('SADD', P .. 'replays', team .. ':' .. id)
call('ZADD', index, id, id)
for _, old in ipairs(call('ZRANGE', index, 0, -tonumber(given.most_kept) - 1)) do
    if call('HEXISTS', replay_of(team, old), 'ended') == 1 then
        call('ZREM', index, old)
        call('DEL', replay_of(team, old))
    end
end
note_change('replay', id)
return id
