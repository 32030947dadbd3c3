#!lua
-- Replay as many of a replay's dead letters as its rate allows by now; however many schedulers step, together no more.
--
-- Given `team`, `replay`, `most` of them, now_ms.
-- Returns how many dead letters are left to it.

local COLLECTING_MS = 60000 -- from one batch of ids to the next; then whoever collected them is gone
local team, id = given.team, given.replay
local now = math.min(moment(given.now_ms), vouched())
local record, ids = replay_of(team, id), P .. 'replay_ids:' .. team .. ':' .. id
local fields = fields_of(record, 'state', 'rate', 'at', 'tokens', 'stop_after', 'failed', 'waiting')
if fields.state == 'collecting' then
    if now - tonumber(fields.at) > COLLECTING_MS then end_replay(team, id, 'cancelled') end
    return 0
elseif fields.state ~= 'running' then
    call('SREM', P .. 'replays', team .. ':' .. id)
    return 0
end
promote(moment(), 500) -- whatever fell due before goes before
-- A bucket that a second fills, and not more: after a pause it goes on at its rate. A clock set back fills nothing.
local rate = tonumber(fields.rate)
local tokens = math.min(math.max(1, rate), tonumber(fields.tokens) + math.max(0, now - tonumber(fields.at)) * rate / 1000)
local allowed, replayed, skipped = math.min(math.floor(tokens), tonumber(given.most)), 0, 0
-- As many as may fail wait for their hosts: how those end is awaited.
if fields.failed + (fields.waiting or 0) >= (tonumber(fields.stop_after) or math.huge) then allowed = 0 end
for _, job in ipairs(allowed > 0 and call('LPOP', ids, allowed) or {}) do
    if replay_job(team, job, id) then replayed = replayed + 1 else skipped = skipped + 1 end
end
call('HINCRBY', record, 'replayed', replayed)
call('HINCRBY', record, 'skipped', skipped)
call('HSET', record, 'at', now, 'tokens', tostring(tokens - replayed - skipped))
local remaining = call('LLEN', ids)
if remaining == 0 then end_replay(team, id, 'finished') end
conclude()
return remaining
