#!lua flags=allow-oom
-- A scheduler says by which release of the time zones' rules it computes fires; the newest one that ever was is kept.
--
-- Given its release, now_ms.
-- Returns the newest release, and 1 if a scheduler that lives has it, else 0.

local now, release = moment(given.now_ms), given.release
local newest = newest_zones()
if release >= newest then call('HSET', P .. 'zones', 'release', release, 'spoken', now) end
local is_alive
newest, is_alive = newest_zones()
return { newest, is_alive and 1 or 0 }
