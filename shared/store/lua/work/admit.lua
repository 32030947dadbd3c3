#!lua flags=allow-oom
-- Count a request of a queue with a rate limit, just before it is written.
--
-- A claim counts too, so that no more is in hand than can leave; but between claim and request lies a connection that
-- takes as long as it takes, and what the target sees is this.
--
-- Given `queue` (team:queue), now_ms.
-- Returns 0 if it is counted and may leave, or after how long to ask again (ms).

local AGAIN = 1000 -- ms until a look whether what was damaged has been put aside
local queue = given.queue
moment(given.now_ms)

local function take_turn()
    local limit = fields_of(P .. 'q:' .. queue, 'rate_count', 'rate_ms')
    local count, period = tonumber(limit.rate_count or ''), tonumber(limit.rate_ms or '')
    if not count then return 0 end
    local sent = P .. 'sent:' .. queue
    local _, next_at = room_in(sent, count, period)
    if next_at then return math.max(1, next_at - vouched()) end
    call('ZADD', sent, vouched(), new_intent())
    fade(sent, period)
    return 0
end

local done, wait = confined(team_of(queue), queue, take_turn)
return done and wait or AGAIN
