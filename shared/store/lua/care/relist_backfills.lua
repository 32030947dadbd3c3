#!lua flags=allow-oom
-- Hold what lists a team's backfills against their records: those that run are stepped, and are what their cron says runs.
--
-- Given the team.
-- Returns the ids of those that were listed wrong.

local team, mended = given.team, {}

local function check(id)
    local fields = fields_of(P .. 'backfill:' .. team .. ':' .. id, 'state', 'cron')
    if not fields.state then
        backfills.forget(team, id)
        return false
    end
    local of_cron = P .. 'c:' .. team .. ':' .. (fields.cron or '')
    local is_right = true
    if fields.state == 'running' and call('EXISTS', of_cron) == 1 and call('HGET', of_cron, 'backfill') ~= id then
        call('HSET', of_cron, 'backfill', id)
        is_right = false
    end
    local is_stepped = fields.state == 'running' or call('EXISTS', P .. 'backfill_open:' .. team .. ':' .. id) == 1
    if is_stepped and call('SADD', P .. 'backfills', team .. ':' .. id) == 1 then is_right = false end
    return is_right
end

for _, id in ipairs(call('ZRANGE', P .. 'x:' .. team .. ':backfills', 0, 499)) do
    local done, is_right = confined(team, 'backfill:' .. id, check, id)
    if done and not is_right then mended[#mended + 1] = tonumber(id) end
end
return mended
