#!lua flags=no-writes
-- Read the clock as every script does, and who vouches for it.
--
-- KEYS  prefix    ARGV  none
-- Returns now (ms), how far the server's clock was corrected for that (ms), until when somebody vouches (ms, 0 = nobody
-- ever did), and by scheduler (host:pid) when it last vouched and how far its own clock was ahead then (ms).

return { moment(), tonumber(call('GET', P .. 'correction') or 0), tonumber(call('GET', P .. 'trusted_until') or 0),
    call('HGETALL', P .. 'clocks') }
