#!lua flags=allow-oom
-- Hold the strips of crons against the executions that are kept, and write those that differ.
--
-- What the strip has of executions that are not kept any more stays: nobody else knows of them.
--
-- Given the team, `index` (of crons, below x:<team>:), `after` (a cron), `most` (crons, of each of which 30 executions are looked at).
-- Returns the last cron looked at (0 = all were) and those whose strips were mended.

local KEPT, BEGINS = 30, 199
local team, most, mended = given.team, tonumber(given.most), {}
local last_made = tonumber(call('HGET', P .. 'ids:' .. team, 'execution') or '') or math.huge

-- The last executions of a cron that have ended, newest first.
local function last_ended(cron)
    local ids = {}
    for _, state in ipairs(ENDED) do
        for _, id in ipairs(call('ZREVRANGE', P .. 'x:' .. team .. ':c' .. cron .. ':' .. state, 0, KEPT - 1)) do ids[#ids + 1] = id end
    end
    table.sort(ids, function(one, other) return tonumber(one) > tonumber(other) end)
    return { unpack(ids, 1, math.min(#ids, KEPT)) }
end

-- Its entry, if it has ended; `had` is what the strip has of it: of a run that is gone nobody else knows how long it took.
local function entry_of(id, fields, had)
    local took = strips.took(call('GETRANGE', P .. 'r:' .. team .. ':e' .. id, 0, BEGINS))
    local entry = strips.entry(id, fields, fields.state ~= 'skipped' and took or nil)
    local is_known = had and not took and string.sub(had, 1, 12) == string.sub(entry, 1, 12)
    return is_known and had or entry
end

local function is_ended(state)
    return state == ENDED[1] or state == ENDED[2] or state == ENDED[3]
end

local function mend(cron)
    local record = P .. 'c:' .. team .. ':' .. cron
    local version, text = values_of(record, 'version', 'strip')
    if not version then return false end
    local entries = strips.entries(text or '') or {}
    for hex in pairs(entries) do
        if tonumber(hex, 16) > last_made then entries[hex] = nil end -- of no execution that ever was
    end
    for _, id in ipairs(last_ended(cron)) do
        local fields = fields_of(record_of(EXECUTION, team, id), 'state', 'created', 'due', 'skip_reason', 'backfill')
        local hex = string.format('%011x', id)
        if is_ended(fields.state) and not fields.backfill then entries[hex] = entry_of(id, fields, entries[hex]) end
    end
    local right = strips.of(entries)
    if right == (text or '') then return false end
    call('HSET', record, 'strip', right)
    return true
end

local crons = call('ZRANGEBYSCORE', P .. 'x:' .. team .. ':' .. given.index, '(' .. given.after, '+inf', 'LIMIT', 0, most)
for _, cron in ipairs(crons) do
    local done, was_mended = confined(team, 'c:' .. cron, mend, cron)
    if done and was_mended then mended[#mended + 1] = cron end
end
return { #crons == most and tonumber(crons[#crons]) or 0, mended }
