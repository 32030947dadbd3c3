#!lua flags=no-writes
-- Read what decides the fires to come of a team's active crons, or of given ones.
--
-- Given the team, now_ms, `after` (an id) and `most`; or else ids.
-- Returns now (ms), the last id looked at (0 = all were), and per cron: id, name, next fire (ms, or nothing), expression,
-- time zone, offset (s), time policy (JSON), most runs, runs.

local PLAN = { 'name', 'next', 'expression', 'timezone', 'offset', 'timing', 'max_runs', 'runs' }
local now, team, most, rows = moment(given.now_ms), given.team, tonumber(given.most or ''), {}
local ids = given_list()
if most then
    ids = call('ZRANGEBYSCORE', P .. 'x:' .. team .. ':crons:active', '(' .. given.after, '+inf', 'LIMIT', 0, most)
end
for _, id in ipairs(ids) do
    -- One that is damaged is for the patrol to see to.
    local read, fields = pcall(fields_of, P .. 'c:' .. team .. ':' .. id, unpack(PLAN))
    if read and fields.expression then
        rows[#rows + 1] = { id, fields.name or '', fields.next or '', fields.expression, fields.timezone or '',
            fields.offset or '0', fields.timing or '', fields.max_runs or '', fields.runs or '0' }
    end
end
return { now, #ids == most and tonumber(ids[#ids]) or 0, rows }
