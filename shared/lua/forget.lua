#!lua flags=allow-oom
-- Forget what was to be kept for a while, once it is certain that it is over, a bounded step at a time.
--
-- KEYS  prefix    ARGV  now ('' = server), limit
-- Returns how many keys went.

moment(ARGV[1])
local over = call('ZRANGEBYSCORE', P .. 'fading', '-inf', vouched(), 'LIMIT', 0, tonumber(ARGV[2]))
for _, key in ipairs(over) do call('UNLINK', P .. key) end
call_in_parts(over, 'ZREM', P .. 'fading')
return #over
