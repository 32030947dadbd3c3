#!lua flags=allow-oom repeatable
-- Delete dead letters with their chains and runs:  dead_lettered -> (nothing).
--
-- KEYS  prefix    ARGV  team, now ('' = server), how many went before these, how many are left, then ids,
--                       each of any job of a chain
-- Returns how many went in all, and how many are left; what is no dead letter (any more) stays.

local team, purged = ARGV[1], tonumber(ARGV[3])
moment(ARGV[2])
for i = 5, #ARGV do
    local first = original_of(team, ARGV[i])
    if call('HGET', record_of('j', team, first), 'state') == 'dead_lettered' then
        remove_chain(team, first)
        purged = purged + 1
    end
end
conclude()
return { purged, tonumber(ARGV[4]) }
