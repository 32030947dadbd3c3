#!lua flags=no-writes
-- Read of crons what a search looks at, but of those that cannot be what it looks for.
--
-- Given the team, `most_bytes` (of each spec), `is_brief` (only what a list is sorted by), `letters` (a pattern of Lua that the name
-- or URL of what is looked for fits in lower case, or nothing), `text` (that its spec has in lower case, or nothing); and ids. Or
-- `count`, `before` (an id, or nothing) and indexes, named below the prefix: so many of these, the newest first.
-- Returns how many were looked at, the last of them, whether there are more, and per cron that may be a text, for lists take longer
-- to read: id, is_active, created, next, failures, alerted, key, by and its spec (JSON), each or nothing, with a separator
-- between them.

local SEPARATOR = '\31'
local most, rows, ids, are_more = tonumber(given.most_bytes), {}, given_list(), false
local finds = looks.finder(given.text)
if given.count then ids, are_more = looks.below(ids, given.before, tonumber(given.count)) end

-- Of most that are passed over nothing else is read than the spec.
local function is_passed_over(record)
    return (given.letters or finds) and not looks.may_be(call('HGET', record, 'spec'), given.letters, finds)
end

local function values_seen(record)
    if given.is_brief then return values_of(record, 'spec', 'is_active', 'next', 'failures') end
    return values_of(record, 'spec', 'is_active', 'next', 'failures', 'created', 'alerted', 'key', 'by')
end

for _, id in ipairs(ids) do
    local record = P .. 'c:' .. given.team .. ':' .. id
    if not is_passed_over(record) then
        local spec, is_active, next_at, failures, created, alerted, key, by = values_seen(record)
        spec = beginning_of(spec, most, SPEC_BEGINS)
        if spec or is_active or failures then
            rows[#rows + 1] = id .. SEPARATOR .. (is_active or '') .. SEPARATOR .. (created or '')
                .. SEPARATOR .. (next_at or '') .. SEPARATOR .. (failures or '') .. SEPARATOR .. (alerted or '') .. SEPARATOR
                .. (key or '') .. SEPARATOR .. (by or '') .. SEPARATOR .. (spec or '')
        end
    end
end
return { #ids, tonumber(ids[#ids] or 0), are_more and 1 or 0, rows }
