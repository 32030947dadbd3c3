#!lua flags=allow-oom repeatable
-- Delete dead letters with their chains and runs:  dead_lettered -> (nothing).
--
-- Given `team`, `purged` (how many went before these), `remaining` (how many are left), now_ms; and ids, each of any
-- job of a chain.
-- Returns how many went in all, and how many are left; what is no dead letter (any more) stays.

local team, purged = given.team, tonumber(given.purged)
moment(given.now_ms)
for _, id in ipairs(given_list()) do
    local first = original_of(team, id)
    if call('HGET', record_of(JOB, team, first), 'state') == 'dead_lettered' then
        remove_chain(team, first)
        note_change('job', first)
        purged = purged + 1
    end
end
conclude()
return { purged, tonumber(given.remaining) }
