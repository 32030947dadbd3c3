#!lua flags=allow-oom
-- A host is back, perhaps before the end of its rest; or requests to it are counted that went out since.
--
-- Given `team`, `host`, `is_back` (or it is only counted), `requests`, `status` (of its last answer), now_ms.
-- Returns nothing.

moment(given.now_ms)

local function keep()
    local kept = P .. 'hosts:' .. given.team
    local before = call('HGET', kept, given.host) or ''
    local since, ends, back, requests = string.match(before, '^(%d+) (%d+) (%d+) (%d+) ')
    local why = string.match(before, ' (%S+)$')
    if not since or not why or (back == '0' and not given.is_back) then return end
    if back == '0' then back = string.format('%.0f', vouched()) end
    local count = string.format('%.0f', requests + given.requests)
    call('HSET', kept, given.host, table.concat({ since, ends, back, count, given.status or 0, why }, ' '))
end

if given.is_back then
    call('ZREM', P .. 'throttled:' .. given.team, given.host)
    call('ZREM', P .. 'retry_after:' .. given.team, given.host)
end
keep()
