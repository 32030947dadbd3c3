#!lua flags=allow-oom
-- Remove a team's alerts that are too old or too many, oldest first, a bounded step at a time.
--
-- Given `team`, `age_ms`, `most_kept` (of a type), `limit`, now_ms.
-- Returns how many went.

local now, team = math.min(moment(given.now_ms), vouched()), given.team
local age, most, limit = tonumber(given.age_ms), tonumber(given.most_kept), tonumber(given.limit)
local removed = 0

for _, type in ipairs(ALERT_TYPES) do
    local index = P .. 'x:' .. team .. ':alerts:' .. type
    local over = call('ZCARD', index) - most
    for rank, id in ipairs(call('ZRANGE', index, 0, limit - removed - 1)) do
        local created = tonumber(call('HGET', alert_of(team, id), 'created') or 0)
        if rank > over and created + age >= now then break end
        remove_alert(team, id)
        removed = removed + 1
    end
    if removed >= limit then break end
end
conclude()
return removed
