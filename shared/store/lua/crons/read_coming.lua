#!lua flags=no-writes
-- Read what decides the fires to come of a team's active crons, or of given ones.
--
-- Given the team, now_ms, `after` (an id) and `most`; or else ids.
-- Returns now (ms), the last id looked at (0 = all were), and per cron a text, for lists take longer to read: name, next fire (ms),
-- expression, time zone, offset (s), time policy (JSON), most runs, runs, each or nothing, and its id, with a separator between them.

local SEPARATOR = '\31'
local now, team, most, rows = moment(given.now_ms), given.team, tonumber(given.most or ''), {}
local ids = given_list()
if most then
    ids = call('ZRANGEBYSCORE', P .. 'x:' .. team .. ':crons:active', '(' .. given.after, '+inf', 'LIMIT', 0, most)
end
for _, id in ipairs(ids) do
    -- One that is damaged is for the patrol to see to.
    local record = P .. 'c:' .. team .. ':' .. id
    local name, next_at, expression, timezone, offset, timing, max_runs = unpack(redis.pcall('HMGET', record, 'name', 'next', 'expression',
        'timezone', 'offset', 'timing', 'max_runs'))
    if expression then
        local runs = (max_runs or '') ~= '' and call('HGET', record, 'runs')
        rows[#rows + 1] = (name or '') .. SEPARATOR .. (next_at or '') .. SEPARATOR .. expression .. SEPARATOR .. (timezone or '')
            .. SEPARATOR .. (offset or '') .. SEPARATOR .. (timing or '') .. SEPARATOR .. (max_runs or '') .. SEPARATOR .. (runs or '')
            .. SEPARATOR .. id
    end
end
return { now, #ids == most and tonumber(ids[#ids]) or 0, rows }
