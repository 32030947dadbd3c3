-- Replay as many of a replay's dead letters as its rate allows by now; however many schedulers step, together no more.
--
-- KEYS  prefix    ARGV  team, id, now ('' = server), most of them
-- Returns how many dead letters are left to it.

local team, id, now = ARGV[1], ARGV[2], moment(ARGV[3])
local record, ids = replay_of(team, id), P .. 'replay_ids:' .. team .. ':' .. id
local fields = call('HMGET', record, 'state', 'rate', 'at', 'tokens')
if fields[1] ~= 'running' then
    call('SREM', P .. 'replays', team .. ':' .. id)
    return 0
end
-- A bucket that a second fills, and not more: after a pause it goes on at its rate. A clock set back fills nothing.
local rate = tonumber(fields[2])
local tokens = math.min(math.max(1, rate), tonumber(fields[4]) + math.max(0, now - tonumber(fields[3])) * rate / 1000)
local allowed, replayed, skipped = math.min(math.floor(tokens), tonumber(ARGV[4])), 0, 0
for _, job in ipairs(allowed > 0 and call('LPOP', ids, allowed) or {}) do
    if replay_job(team, job, id) then replayed = replayed + 1 else skipped = skipped + 1 end
end
call('HINCRBY', record, 'replayed', replayed)
call('HINCRBY', record, 'skipped', skipped)
call('HSET', record, 'at', now, 'tokens', tostring(tokens - replayed - skipped))
local left = call('LLEN', ids)
if left == 0 then end_replay(team, id, 'finished') end
conclude()
return left
