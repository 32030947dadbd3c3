#!lua flags=allow-oom
-- Forget what was to be kept for a while, once it is certain that it is over, a bounded step at a time.
--
-- Given `limit`, now_ms.
-- Returns how many keys went.

moment(given.now_ms)
local over = call('ZRANGEBYSCORE', P .. 'fading', '-inf', vouched(), 'LIMIT', 0, tonumber(given.limit))
for _, key in ipairs(over) do call('UNLINK', P .. key) end
call_in_parts(over, 'ZREM', P .. 'fading')
return #over
