#!lua flags=allow-oom
-- Whether history may be retired: not for a day after time went on by more than a day since it was last, for then much
-- is too old at once that was not before.
--
-- Given now_ms.
-- Returns 1 if it may, else 0, and whether that is new.

local DAY = 86400000 -- ms
local now, waits = math.min(moment(given.now_ms), vouched()), P .. 'retention_waits'
local last, since = tonumber(call('GET', P .. 'retired_at') or '') or now, tonumber(call('HGET', waits, 'all') or '')

if now - last > DAY then
    if not since then call('HSET', waits, 'all', now) end
    if now - (since or now) < DAY then return { 0, since and 0 or 1 } end
end
if since then call('HDEL', waits, 'all') end
call('SET', P .. 'retired_at', now)
return { 1, 0 }
