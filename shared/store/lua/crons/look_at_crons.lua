#!lua flags=no-writes
-- Read of crons what a search looks at, but of those that cannot be what it looks for.
--
-- Given the team, `most_bytes` (of each spec), `letters` (a pattern of Lua that the name or URL of what is looked for fits in
-- lower case, or nothing), `text` (that its spec has in lower case, or nothing); and ids. Or `count`, `before` (an id, or nothing)
-- and indexes, named below the prefix: so many of these, the newest first.
-- Returns how many were looked at, the last of them, whether there are more, and per cron that may be: id, its spec (JSON),
-- version, is_active, created, next, failures, alerted, key and by, each or nothing.

local most, rows, ids, are_more = tonumber(given.most_bytes), {}, given_list(), false
local finds = looks.finder(given.text)
if given.count then ids, are_more = looks.below(ids, given.before, tonumber(given.count)) end

-- Of most that are passed over nothing else is read than the spec.
local function is_passed_over(record)
    return (given.letters or finds) and not looks.may_be(call('HGET', record, 'spec'), given.letters, finds)
end

for _, id in ipairs(ids) do
    local record = P .. 'c:' .. given.team .. ':' .. id
    if not is_passed_over(record) then
        local spec, version, is_active, created, next_at, failures, alerted, key, by = values_of(record, 'spec', 'version',
            'is_active', 'created', 'next', 'failures', 'alerted', 'key', 'by')
        spec = beginning_of(spec, most, SPEC_BEGINS)
        if spec or version then rows[#rows + 1] = { id, spec, version, is_active, created, next_at, failures, alerted, key, by } end
    end
end
return { #ids, tonumber(ids[#ids] or 0), are_more and 1 or 0, rows }
