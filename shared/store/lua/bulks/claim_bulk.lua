#!lua
-- Take the next ones of a change of many, for one scheduler alone: others take none of it until they are settled, or so long
-- that whoever has them must be gone. Those that it had left come first.
--
-- Given `team`, `bulk`, `holder` (who takes them), `most`, now_ms.
-- Returns the fields of its record, then the ids; or nothing, if there is nothing to be done by this one now.

local WIDTH = 16 -- digits of an id
local HELD_MS = 15000 -- longer than a scheduler works on some, and waits for one that is not ready
local team, id, now = given.team, given.bulk, moment(given.now_ms)
local record, batch = P .. 'bulk:' .. team .. ':' .. id, P .. 'bulk_batch:' .. team .. ':' .. id

local function is_held(its)
    local held_until = tonumber(its.held_until or '')
    -- A clock that was set back holds nothing for longer.
    return held_until and its.holder ~= given.holder and held_until > now and held_until <= now + HELD_MS
end

local function take(taken)
    local text, ids = call('GETRANGE', P .. 'bulk_ids:' .. team .. ':' .. id, taken * WIDTH, (taken + given.most) * WIDTH - 1), {}
    for at = 1, #text, WIDTH do ids[#ids + 1] = string.match(string.sub(text, at, at + WIDTH - 1), '^0*(%d+)$') end
    if #ids == 0 then return ids end
    call('RPUSH', batch, unpack(ids))
    call('HINCRBY', record, 'taken', #ids)
    return ids
end

local function claim()
    local its = fields_of(record, 'state', 'taken', 'holder', 'held_until')
    if its.state ~= 'running' then
        call('SREM', P .. 'bulks', team .. ':' .. id)
        return nil
    end
    if is_held(its) then return nil end
    local ids = call('LRANGE', batch, 0, -1)
    if #ids == 0 then ids = take(its.taken) end
    if #ids == 0 then return bulks.complete(team, id) end
    call('HSET', record, 'holder', given.holder, 'held_until', now + HELD_MS)
    return { call('HGETALL', record), ids }
end

local done, claimed = confined(team, 'bulk:' .. id, claim)
return done and claimed or nil
