#!lua repeatable
-- Set what a team set for itself.
--
-- KEYS  prefix    ARGV  team, then field and value, ...; a field without a value ('') is removed
-- Returns the first value.

local settings = P .. 't:' .. ARGV[1]
for i = 2, #ARGV, 2 do
    if ARGV[i + 1] == '' then call('HDEL', settings, ARGV[i]) else call('HSET', settings, ARGV[i], ARGV[i + 1]) end
end
return ARGV[3]
