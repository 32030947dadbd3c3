#!lua repeatable
-- Replay dead letters now:  dead_lettered -> failed, and a fresh job each.
--
-- Given `team`, now_ms; and ids, each of any job of a chain. Or, with `is_changed`, rows: `id`, `spec` (JSON, what is asked for
-- instead), `was` (SHA-1 of what that was made of), `is_new` (1 if it is another intent, or ''), `rules` (what is not kept of
-- its queue's requests, as that was known: JSON, or '').
-- Returns per id: the new job's id (also if it was replayed before), 1 if it was replayed now, 0 if not, and the
-- chain's original; the new id is 0 if it is not there or no dead letter, -1 if what it asked for is lost, and -2 if that
-- is another text by now. If the rules of a queue are others, nothing is replayed, and what returns is 'rules'.

local CHANGED_REQUEST = { 'id', 'spec', 'was', 'is_new', 'rules' }
local LOST, OTHER = -1, -2
local team, answers = given.team, {}

local function is_other(first, change)
    local spec = change and call('GET', P .. 'b:' .. team .. ':' .. first)
    return spec and redis.sha1hex(spec) ~= change.was
end

local function replayed(id, change)
    local first = original_of(team, id)
    if is_other(first, change) then return { OTHER, 0, tonumber(first) } end
    local new, is_lost = replay_job(team, first, nil, change)
    local before = not new and call('HGET', record_of(JOB, team, first), 'replayed_as')
    if new then note_change('job', first) end
    return { tonumber(new or before or (is_lost and LOST) or 0), new and 1 or 0, tonumber(first) }
end

-- Whether its request was made by other rules than those of its queue now; of what is not there none was.
local function has_other_rules(change)
    local queue = change.spec ~= '' and call('HGET', record_of(JOB, team, original_of(team, change.id)), 'queue')
    return queue and rules_of(team, queue) ~= change.rules
end

local rows = {}
while more_rows() do
    rows[#rows + 1] = next_row(given.is_changed and CHANGED_REQUEST or { 'id' })
    if given.is_changed and has_other_rules(rows[#rows]) then return 'rules', REFUSED end
end
promote(moment(given.now_ms), 500) -- whatever fell due before goes before
for _, row in ipairs(rows) do answers[#answers + 1] = replayed(row.id, given.is_changed and row) end
conclude()
return answers
