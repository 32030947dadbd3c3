#!lua flags=no-writes
-- Read of jobs what a search looks at, the newest first, but of those that cannot be what it looks for.
--
-- Given `team`, `before` (an id, or nothing), `count`, `with_specs`, `with_runs`, `with_fields`, `with_makers`, `most_bytes` (of each
-- text), `letters` (a pattern of Lua that the URL of what is looked for fits in lower case, or nothing), `text` and `run_text` (that
-- its spec and its run have in lower case, or nothing), `run_place`, `run_least` and `run_most` (bounds of a number of its run, or
-- nothing); and indexes, named below the prefix.
-- Returns how many were looked at, which may be fewer where texts are long, the last of them, whether there are more, and per job
-- that may be: id, the spec (JSON), queue name, run (JSON or nothing), its final, origin, attempt, created, intent, queue and
-- state, its makers by name and value: each nothing if it was not asked for.

local LOOKED_AT = { 'queue', 'origin' } -- and what is asked for of the others
if given.with_fields then LOOKED_AT = { 'queue', 'origin', 'final', 'attempt', 'created', 'intent', 'state' } end
local team, most, letters = given.team, tonumber(given.most_bytes), given.letters
local finds, finds_run = looks.finder(given.text), looks.finder(given.run_text)
local may_be_run = looks.of_runs(finds_run, given.run_place, given.run_least, given.run_most)
local ids, are_more = looks.below(given_list(), given.before, tonumber(given.count))
local rows, keys, is_of_spec = {}, {}, letters or finds
local runs_first = may_be_run or (given.with_runs and not is_of_spec)

local function makers_of(id)
    local makers = {}
    add_makers(makers, team, id)
    return makers
end

-- How many bytes were read beside what is known of it: its own spec, or its run. A retry has the spec of the first of its chain.
local function look_at(id, own, run)
    local fields = call('HMGET', P .. 'j:' .. team .. ':' .. id, unpack(LOOKED_AT))
    local queue, origin = unpack(fields)
    local name, spec, read = queue and name_of_queue(team, queue), own, 0 -- or it is gone with its queue
    if not name then return 0 end
    if not own and (is_of_spec or given.with_specs) then
        spec = beginning_in(P .. 'b:' .. team .. ':' .. (origin or id), most, SPEC_BEGINS)
        read = spec and #spec or 0
        if not looks.may_be(spec, letters, finds) then return read end
    end
    if given.with_runs and not runs_first then
        run = beginning_in(P .. 'r:' .. team .. ':j' .. id, most, RUN_BEGINS)
        read = read + (run and #run or 0)
    end
    rows[#rows + 1] = { id, spec or '', name, run, given.with_fields and fields or false, given.with_makers and makers_of(origin or id) or false }
    return read
end

-- Of most that are passed over nothing else is read; but of a retry, which has no spec of its own.
local function see_spec(n, own)
    return own and not looks.may_be(own, letters) and 0 or look_at(ids[n], own, false)
end

local function see_run(n, run)
    if may_be_run and not may_be_run(run) then return 0 end
    return look_at(ids[n], nil, run)
end

for n, id in ipairs(ids) do keys[n] = P .. (runs_first and 'r:' .. team .. ':j' or 'b:' .. team .. ':') .. id end
local looked
if runs_first then
    looked = looks.texts(keys, most, RUN_BEGINS, finds_run, see_run)
else
    looked = looks.texts(keys, most, SPEC_BEGINS, finds, see_spec)
end
return { looked, tonumber(ids[looked] or 0), (are_more or looked < #ids) and 1 or 0, rows }
