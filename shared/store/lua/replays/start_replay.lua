#!lua repeatable
-- Begin a replay, whose ids are still to be collected:  (nothing) -> collecting.
--
-- Given `team`, `rate` (jobs a second), `stop_after` (so many failures; never if nothing), `expected` (how many it must
-- be, if that counts), `first` (1 if one is sent first), `change` of the requests (JSON, if there is one) and `changed_fields`, the
-- names of what that changes, `warnings` (JSON) of the answer, `most_kept`, now_ms.
-- Returns its id. Of a team's replays that have ended only the newest are kept.

local team, now = given.team, moment(given.now_ms)
local id, index = next_id(team, 'replay'), P .. 'x:' .. team .. ':replays'
local record = replay_of(team, id)
call('HSET', record, 'v', 1, 'state', 'collecting', 'rate', given.rate, 'stop_after', given.stop_after or '',
    'total', 0, 'replayed', 0, 'skipped', 0, 'completed', 0, 'failed', 0, 'waiting', 0, 'created', now, 'at', vouched())
if given.expected then call('HSET', record, 'expected', given.expected) end
if given.first then call('HSET', record, 'first', given.first) end
if given.change then
    call('HSET', record, 'changes', given.changed_fields, 'warnings', given.warnings)
    call('SET', P .. 'replay_change:' .. team .. ':' .. id, given.change)
end
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
