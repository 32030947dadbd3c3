#!lua flags=no-writes
-- Read of jobs what a search looks at, but of those that cannot be what it looks for.
--
-- Given `team`, `with_runs`, `with_makers`, `most_bytes` (of each text), `letters` (a pattern of Lua that the URL of what is looked for
-- fits in lower case, or nothing), `text` (that its spec has in lower case, or nothing); and ids.
-- Returns per job that may be: id, those of its fields, the spec (JSON), queue name, run (JSON or nothing).

local LOOKED_AT = { 'final', 'origin', 'attempt', 'created', 'intent', 'queue', 'state' }
local team, most, rows = given.team, tonumber(given.most_bytes), {}

local function spec_of_job(id)
    return beginning_in(P .. 'b:' .. team .. ':' .. id, most, SPEC_BEGINS)
end

local function look_at(id, own)
    local record = P .. 'j:' .. team .. ':' .. id
    local queue, origin = values_of(record, 'queue', 'origin')
    local name = queue and name_of_queue(team, queue) -- or it is gone with its queue
    local spec = own or (name and spec_of_job(origin or id))
    if name and (own or looks.may_be(spec, given.letters, given.text)) then
        local fields = looks.flat(fields_of(record, unpack(LOOKED_AT)))
        if given.with_makers then add_makers(fields, team, origin or id) end
        rows[#rows + 1] = { id, fields, spec or '', name,
            given.with_runs and beginning_in(P .. 'r:' .. team .. ':j' .. id, most, RUN_BEGINS) }
    end
end

for _, id in ipairs(given_list()) do
    local own = spec_of_job(id) -- but of a retry: of most that are passed over nothing else is read
    if not own or looks.may_be(own, given.letters, given.text) then look_at(id, own) end
end
return rows
