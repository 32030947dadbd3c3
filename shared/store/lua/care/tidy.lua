#!lua flags=allow-oom
-- Forget the consumers that are long gone: every worker process leaves its name in every group it read from.
--
-- Given `stream` (its name below the prefix), `idle_ms` (for at least so long).
-- Returns how many were forgotten.

local stream, forgotten = P .. given.stream, 0
local consumers = redis.pcall('XINFO', 'CONSUMERS', stream, 'workers')
if consumers.err then return 0 end -- no such stream or group: nothing to forget
for _, consumer in ipairs(consumers) do
    local name, pending, idle = consumer[2], consumer[4], consumer[6]
    if pending == 0 and idle >= tonumber(given.idle_ms) then -- with something pending, that would be lost
        call('XGROUP', 'DELCONSUMER', stream, 'workers', name)
        forgotten = forgotten + 1
    end
end
return forgotten
