#!lua flags=no-writes
-- Read the clock as every script does, and who vouches for it.
--
-- Returns now (ms), how far the server's clock was corrected for that (ms), until when somebody vouches (ms, 0 = nobody
-- ever did), and by scheduler (host:pid) when it last vouched and how far its own clock was ahead then (ms).

-- What is no number is as if it were lost.
local function number(key)
    return tonumber(call('GET', P .. key) or '') or 0
end

return { moment(), number('correction'), number('trusted_until'), call('HGETALL', P .. 'clocks') }
