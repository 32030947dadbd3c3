#!lua flags=allow-oom
-- A host asked for a rest: the team sends it nothing until then. Of two such wishes the later counts.
--
-- KEYS  prefix    ARGV  team, host, how long (ms), now ('' = server)
-- Returns nothing.

local MOST = 1000 -- hosts of a team; the rests that end first go
local LONGEST = 3600000 -- ms that the key lives, and any rest with it
local held = P .. 'held:' .. ARGV[1]
moment(ARGV[4])
call('ZADD', held, 'GT', vouched() + tonumber(ARGV[3]), ARGV[2])
call('ZREMRANGEBYSCORE', held, '-inf', vouched())
call('ZREMRANGEBYRANK', held, 0, -MOST - 1)
fade(held, LONGEST)
