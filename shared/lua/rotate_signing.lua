#!lua repeatable
-- Replace a team's signing secrets, if they are still what was read.
--
-- KEYS  prefix    ARGV  team, what was read ('' for none), what to keep
-- Returns what is kept now, or 0 if somebody else was faster.

local settings = P .. 't:' .. ARGV[1]
if (call('HGET', settings, 'signing') or '') ~= ARGV[2] then return 0, REFUSED end
call('HSET', settings, 'signing', ARGV[3])
return ARGV[3]
