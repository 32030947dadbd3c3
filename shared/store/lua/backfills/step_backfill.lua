#!lua
-- Make as many of a backfill's fires as may be now: in their order, not more at a time than it may have and at its rate, and
-- where fires of its cron may not meet, none beside those of its schedule. However many schedulers step, each is made once.
-- If moments that ran are left out, it looks first at what there is of them, in as many steps as that takes.
--
-- Given `team`, `backfill`, `most` (moments that are looked at), now_ms.
-- Returns how many moments are left to it, with the executions that have not ended.

local WIDTH = 10 -- digits of a moment
local team, id, most = given.team, given.backfill, tonumber(given.most)
local now = math.min(moment(given.now_ms), vouched())
local record, listed = P .. 'backfill:' .. team .. ':' .. id, P .. 'backfill_moments:' .. team .. ':' .. id

-- What has ended is counted here, so that it costs nothing where it ends.
local function count_ended()
    local open, completed, failed, over = backfills.look(team, id)
    if #over == 0 then return open end
    call('HINCRBY', record, 'completed', completed)
    call('HINCRBY', record, 'failed', failed)
    call_in_parts(over, 'SREM', P .. 'backfill_open:' .. team .. ':' .. id)
    return open
end

-- What its rate allows by now: a bucket that a second fills, and not more. A clock set back fills nothing.
local function filled(its)
    local rate = tonumber(its.rate)
    return rate and math.min(math.max(1, rate), its.tokens + math.max(0, now - its.at) * rate / 1000)
end

-- How many may be made beside its open ones, by the fields of its cron.
local function room_beside(open, its, cron)
    if memory.leaves_out_fires() then return 0 end
    local may_meet = (cron.overlap or '') == '' or cron.overlap == 'allow'
    if not may_meet and count_open(team, its.cron) > open then return 0 end
    return its.parallelism - open
end

-- Look at moments from the next one on until so many are made; how many were looked at, and made.
local function make(its, allowed)
    local first, looked, made = its.looked * WIDTH, 0, 0
    local text = allowed > 0 and call('GETRANGE', listed, first, first + most * WIDTH - 1) or ''
    while made < allowed and looked * WIDTH < #text do
        local at = string.sub(text, looked * WIDTH + 1, (looked + 1) * WIDTH) * 1000
        looked = looked + 1
        if its.skips ~= '1' or not backfills.has_run(team, id, at) then
            backfills.make(team, id, its.cron, at)
            made = made + 1
        end
    end
    return looked, made
end

local function step()
    local its = fields_of(record, 'state', 'cron', 'skips', 'parallelism', 'rate', 'total', 'looked', 'tokens', 'at', 'from', 'to', 'seen')
    local open = its.state and count_ended() or 0
    if its.state ~= 'running' then
        if open == 0 then call('SREM', P .. 'backfills', team .. ':' .. id) end
        return open
    end
    local cron = fields_of(P .. 'c:' .. team .. ':' .. its.cron, 'version', 'overlap')
    local left = its.total - its.looked
    if not cron.version or (left > 0 and call('EXISTS', listed) == 0) then
        backfills.cancel(team, id) -- its cron is gone, or what it was to make is lost
        return open
    end
    if its.skips == '1' and left > 0 and its.seen ~= 'all' and not backfills.look_back(team, id, its) then return left + open end
    local tokens = filled(its)
    local looked, made = make(its, math.min(room_beside(open, its, cron), math.floor(tokens or most)))
    if looked > 0 then
        call('HINCRBY', record, 'looked', looked)
        call('HINCRBY', record, 'made', made)
        call('HINCRBY', record, 'skipped', looked - made)
    end
    if tokens then call('HSET', record, 'at', now, 'tokens', tostring(tokens - made)) end
    left = left - looked + open + made
    if left == 0 then backfills.finish(team, id) end
    return left
end

local done, left = confined(team, 'backfill:' .. id, step)
conclude()
return done and left or 0
