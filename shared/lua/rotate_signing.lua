-- Replace a team's signing secrets, if they are still what was read.
--
-- KEYS  prefix    ARGV  team, what was read ('' for none), what to keep
-- Returns 1, or 0 if somebody else was faster.

local settings = P .. 't:' .. ARGV[1]
if (call('HGET', settings, 'signing') or '') ~= ARGV[2] then return 0 end
call('HSET', settings, 'signing', ARGV[3])
return 1
