#!lua flags=allow-oom
-- Look at the keys that a shard, or a team, cannot do without: what is of a wrong type is put aside, counters that are
-- no numbers go, names of queues that are lost are read from the queues.
--
-- KEYS  prefix    ARGV  team ('' = the shard itself)
-- Returns the names, below the prefix, of what was mended.

local team = ARGV[1]

if team == '' then return mend_shard() end
return mend_team(team)
