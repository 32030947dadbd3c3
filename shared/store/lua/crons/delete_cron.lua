#!lua flags=allow-oom repeatable
-- Delete a cron: it fires no more and is not found; `prune` removes its executions in bounded steps. One whose record is
-- lost is still listed, and goes too.
--
-- Given the team, the cron and its `version` (nothing = whichever).
-- Returns 1; 0 if there is no such cron; 'stale' if it changed since it was read.

local team, id = given.team, given.cron
local version, backfill = values_of(P .. 'c:' .. team .. ':' .. id, 'version', 'backfill')
if given.version and version and version ~= given.version then return 'stale', REFUSED end
local key, keys = call('HGET', P .. 'c:' .. team .. ':' .. id, 'key'), P .. 'cron_keys:' .. team
if key and call('HGET', keys, key) == id then call('HDEL', keys, key) end
if backfill then backfills.cancel(team, backfill) end
local member, listed = team .. ':' .. id, P .. 'x:' .. team .. ':crons:'
local found = call('DEL', P .. 'c:' .. member) + call('ZREM', listed .. 'active', id) + call('ZREM', listed .. 'paused', id)
if found == 0 then return 0, REFUSED end
call('DEL', P .. 'log:' .. member)
planned.forget(team, id)
call('ZREM', P .. 'crons', member)
call('HDEL', P .. 'damaged', 'c:' .. member, 'strip:' .. member)
call('SADD', P .. 'doomed', 'c:' .. member)
tell_clock(member)
event('cron.deleted', team, 'c:' .. id)
tell_events()
note_change('cron', id)
return 1
