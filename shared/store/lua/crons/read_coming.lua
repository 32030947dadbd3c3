#!lua flags=no-writes
-- Read what decides the fires to come of a team's active crons, or of given ones.
--
-- Given the team, now_ms, `after` (an id) and `most`; or else ids.
-- Returns now (ms), the last id looked at (0 = all were), and per cron a text, as `planned.of_record` has it.

local now, team, most, rows = moment(given.now_ms), given.team, tonumber(given.most or ''), {}
local ids = given_list()
if most then
    ids = call('ZRANGEBYSCORE', P .. 'x:' .. team .. ':crons:active', '(' .. given.after, '+inf', 'LIMIT', 0, most)
    rows = planned.read(team, ids)
else
    for _, id in ipairs(ids) do rows[#rows + 1] = planned.of_record(team, id) end
end
return { now, #ids == most and tonumber(ids[#ids]) or 0, rows }
