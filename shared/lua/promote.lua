#!lua flags=allow-oom
-- Move jobs whose time has come to their streams:  pending, due later -> pending, ready.
--
-- KEYS  prefix    ARGV  now ('' = server), limit
-- Returns now (ms) and the next due moment (ms, 0 = none).

local now = moment(ARGV[1])
local next_due = promote(now, tonumber(ARGV[2]))
conclude()
return { now, next_due }
