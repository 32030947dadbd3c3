#!lua flags=allow-oom
-- Move jobs whose time has come to their streams:  pending, due later -> pending, ready.
--
-- Given `most`, now_ms.
-- Returns now (ms) and the next due moment (ms, 0 = none).

local now = moment(given.now_ms)
local next_due = promote(now, tonumber(given.most))
conclude()
return { now, next_due }
