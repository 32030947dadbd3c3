#!lua flags=no-writes
-- Read of jobs what a search looks at, the newest first, but of those that cannot be what it looks for.
--
-- Given `team`, `before` (an id, or nothing), `count`, `with_runs`, `with_fields`, `with_makers`, `most_bytes` (of each text), `letters`
-- (a pattern of Lua that the URL of what is looked for fits in lower case, or nothing), `text` (that its spec has in lower case,
-- or nothing); and indexes, named below the prefix.
-- Returns how many were looked at, which may be fewer where texts are long, the last of them, whether there are more, and per job
-- that may be: id, the spec (JSON), queue name, run (JSON or nothing), its final, origin, attempt, created, intent, queue and
-- state, its makers by name and value: each nothing if it was not asked for.

local LOOKED_AT = { 'queue', 'origin' } -- and what is asked for of the others
if given.with_fields then LOOKED_AT = { 'queue', 'origin', 'final', 'attempt', 'created', 'intent', 'state' } end
local team, most, letters, text = given.team, tonumber(given.most_bytes), given.letters, given.text
local ids, are_more = looks.below(given_list(), given.before, tonumber(given.count))
local rows, specs = {}, {}

local function makers_of(id)
    local makers = {}
    add_makers(makers, team, id)
    return makers
end

-- How many bytes were read beside its own spec: a retry has that of the first of its chain.
local function look_at(id, own)
    local fields = call('HMGET', P .. 'j:' .. team .. ':' .. id, unpack(LOOKED_AT))
    local queue, origin = unpack(fields)
    local name = queue and name_of_queue(team, queue) -- or it is gone with its queue
    if not name then return 0 end
    local spec = own or beginning_in(P .. 'b:' .. team .. ':' .. (origin or id), most, SPEC_BEGINS)
    local run = false
    if own or looks.may_be(spec, letters, text) then
        if given.with_runs then run = beginning_in(P .. 'r:' .. team .. ':j' .. id, most, RUN_BEGINS) end
        rows[#rows + 1] = { id, spec or '', name, run, given.with_fields and fields or false, given.with_makers and makers_of(origin or id) or false }
    end
    return (own and 0 or spec and #spec or 0) + (run and #run or 0)
end

for n, id in ipairs(ids) do specs[n] = P .. 'b:' .. team .. ':' .. id end
local looked = looks.texts(specs, most, SPEC_BEGINS, function(n, own) -- but of a retry: of most that are passed over nothing else is read
    return own and not looks.may_be(own, letters, text) and 0 or look_at(ids[n], own)
end)
return { looked, tonumber(ids[looked] or 0), (are_more or looked < #ids) and 1 or 0, rows }
