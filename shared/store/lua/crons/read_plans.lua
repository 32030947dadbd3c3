#!lua flags=no-writes
-- Read by what plan a team's active crons fire, and when next.
--
-- Given the team, `after` (an id), `most`, now_ms.
-- Returns now (ms, no later than is vouched for), the last id looked at (0 = all were), and per cron with a next fire:
-- id, version, next fire (ms), up to when it has fired (ms, without its offset; 0 = nobody knows), expression, time
-- zone, offset (s), time policy (JSON).

local PLAN = { 'version', 'next', 'fired_until', 'expression', 'timezone', 'offset', 'timing' }
local now, team, most, rows = math.min(moment(given.now_ms), vouched()), given.team, tonumber(given.most), {}
local ids = call('ZRANGEBYSCORE', P .. 'x:' .. team .. ':crons:active', '(' .. given.after, '+inf', 'LIMIT', 0, most)
for _, id in ipairs(ids) do
    -- One that is damaged is for the patrol to see to.
    local read, fields = pcall(fields_of, P .. 'c:' .. team .. ':' .. id, unpack(PLAN))
    if read and fields.version and fields.next then
        rows[#rows + 1] = { id, fields.version, fields.next, fields.fired_until or '0', fields.expression or '',
            fields.timezone or '', fields.offset or '0', fields.timing or '' }
    end
end
return { now, #ids == most and tonumber(ids[#ids]) or 0, rows }
