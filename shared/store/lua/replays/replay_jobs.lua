#!lua repeatable
-- Replay dead letters now:  dead_lettered -> failed, and a fresh job each.
--
-- Given `team`, now_ms; and ids, each of any job of a chain.
-- Returns per id: the new job's id (also if it was replayed before), 1 if it was replayed now, 0 if not, and the
-- chain's original; the new id is 0 if it is not there or no dead letter, and -1 if what it asked for is lost.

local team, answers = given.team, {}
promote(moment(given.now_ms), 500) -- whatever fell due before goes before
for _, id in ipairs(given_list()) do
    local first = original_of(team, id)
    local new, is_lost = replay_job(team, first)
    local before = not new and call('HGET', record_of(JOB, team, first), 'replayed_as')
    if new then note_change('job', first) end
    answers[#answers + 1] = { tonumber(new or before or (is_lost and -1) or 0), new and 1 or 0, tonumber(first) }
end
conclude()
return answers
