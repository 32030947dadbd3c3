#!lua flags=allow-oom
-- Correct the clock, if its correction is still what was seen; what was computed from the wrong present moves with it.
--
-- Given `seen_ms` (the correction as it was seen), `correction_ms` (from now on), `most` (records that this call moves).
-- Returns -1 if it is another by now, or how many records were moved: with as many as `most` there are more, and the
-- correction is still what it was.

local seen, correction, most = tonumber(given.seen_ms), tonumber(given.correction_ms), tonumber(given.most)
if (tonumber(call('GET', P .. 'correction') or '') or 0) ~= seen then return -1 end
local by, wrong = correction - seen, moment()
local right = wrong + by

-- Whether it was computed from the wrong present: with no scheduler alive, that may have been the right one.
local function is_wrong(at)
    return at and math.abs(at - wrong) < math.abs(at - right)
end

-- Executions are listed by their moments.
local function list_along(member)
    local kind, team, id = string.match(member, '^(%a):(%d+):0*(%d+)$')
    if kind ~= EXECUTION then return end
    for _, of in ipairs({ '', ':failed', ':skipped', ':late' }) do
        local list = P .. 'x:' .. team .. ':executions' .. of
        if call('ZSCORE', list, id) then call('ZINCRBY', list, by, id) end
    end
end

local function move_along(member, at, record)
    if not is_wrong(at) then return end
    local score = tonumber(call('ZSCORE', P .. 'due', member) or '')
    local fields = fields_of(record, 'created', 'due', 'held_since', 'awaits', 'started', 'postponed')
    if fields.awaits and fields.started then -- it awaits the end of work that began lately
        if not is_wrong(tonumber(fields.started)) then return end
        call('HSET', record, 'awaits', fields.awaits + by, 'started', fields.started + by)
        return score and call('ZINCRBY', P .. 'due', by, member)
    end
    if not fields.due or fields.awaits then return end -- gone; or it awaits a ping until a moment of its cron's
    local is_new = tonumber(fields.created or '') == at
    if is_new then call('HSET', record, 'created', fields.created + by) end
    if is_new or (score and tonumber(fields.due) == score) then
        call('HSET', record, 'due', fields.due + by)
        list_along(member)
    end
    if tonumber(fields.held_since or '') == at then call('HSET', record, 'held_since', fields.held_since + by) end
    if is_wrong(tonumber(fields.postponed or '')) then call('HSET', record, 'postponed', fields.postponed + by) end
    if score then call('ZINCRBY', P .. 'due', by, member) end
end

local rows = call('ZRANGE', P .. 'doubtful', 0, most - 1, 'WITHSCORES')
for i = 1, #rows, 2 do
    local kind, team, id = string.match(rows[i], '^(%a):(%d+):0*(%d+)$')
    if kind then
        confined(team, kind .. ':' .. id, move_along, rows[i], tonumber(rows[i + 1]), record_of(kind, team, id))
    end
    call('ZREM', P .. 'doubtful', rows[i])
end
if #rows == 2 * most then return most end
if correction == 0 then call('DEL', P .. 'correction') else call('SET', P .. 'correction', correction) end
tell_clock('correction')
return #rows / 2
