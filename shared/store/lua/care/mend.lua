#!lua flags=allow-oom
-- Look at the keys that a shard, or a team, cannot do without: what is of a wrong type is put aside, counters that are
-- no numbers go, names of queues that are lost are read from the queues.
--
-- Given `team` (the shard itself if nothing).
-- Returns the names, below the prefix, of what was mended.

if not given.team then return mend_shard() end
return mend_team(given.team)
