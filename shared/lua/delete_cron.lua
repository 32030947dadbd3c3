#!lua flags=allow-oom
-- Delete a cron: it fires no more and is not found; `prune` removes its executions in bounded steps.
--
-- KEYS  prefix    ARGV  team, id
-- Returns 1, or 0 if there is no such cron.

local team, id = ARGV[1], ARGV[2]
local member = team .. ':' .. id
if call('DEL', P .. 'c:' .. member) == 0 then return 0, REFUSED end
call('DEL', P .. 'log:' .. member)
call('ZREM', P .. 'crons', member)
call('ZREM', P .. 'x:' .. team .. ':crons:active', id)
call('ZREM', P .. 'x:' .. team .. ':crons:paused', id)
call('SADD', P .. 'doomed', 'c:' .. member)
tell_clock(member)
return 1
