#!lua flags=no-writes
-- Read of crons what a search looks at, but of those that cannot be what it looks for.
--
-- Given the team, `most_bytes` (of each spec), `letters` (a pattern of Lua that the name or URL of what is looked for fits in
-- lower case, or nothing), `text` (that its spec has in lower case, or nothing); and ids.
-- Returns per cron that may be: id, those of its fields.

local LOOKED_AT = { 'spec', 'version', 'is_active', 'created', 'next', 'failures', 'alerted', 'key', 'by' }
local most, rows = tonumber(given.most_bytes), {}

for _, id in ipairs(given_list()) do
    local fields = fields_of(P .. 'c:' .. given.team .. ':' .. id, unpack(LOOKED_AT))
    if (fields.spec or fields.version) and looks.may_be(fields.spec, given.letters, given.text) then
        fields.spec = beginning_of(fields.spec, most, SPEC_BEGINS)
        rows[#rows + 1] = { id, looks.flat(fields) }
    end
end
return rows
