#!lua flags=allow-oom
-- Forget the consumers that are long gone: every worker process leaves its name in every group it read from.
--
-- KEYS  prefix    ARGV  stream below the prefix, idle for at least (ms)
-- Returns how many were forgotten.

local stream, forgotten = P .. ARGV[1], 0
local consumers = redis.pcall('XINFO', 'CONSUMERS', stream, 'workers')
if consumers.err then return 0 end -- no such stream or group: nothing to forget
for _, consumer in ipairs(consumers) do
    local name, pending, idle = consumer[2], consumer[4], consumer[6]
    if pending == 0 and idle >= tonumber(ARGV[2]) then -- with something pending, that would be lost
        call('XGROUP', 'DELCONSUMER', stream, 'workers', name)
        forgotten = forgotten + 1
    end
end
return forgotten
