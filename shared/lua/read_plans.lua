#!lua flags=no-writes
-- Read by what plan a team's active crons fire, and when next.
--
-- KEYS  prefix    ARGV  now ('' = server), team, after id, limit
-- Returns now (ms, no later than is vouched for), the last id looked at (0 = all were), and per cron with a next fire:
-- id, version, next fire (ms), up to when it has fired (ms, without its offset; 0 = nobody knows), expression, time
-- zone, offset (s), time policy (JSON).

local now, team, limit, rows = math.min(moment(ARGV[1]), vouched()), ARGV[2], tonumber(ARGV[4]), {}
local ids = call('ZRANGEBYSCORE', P .. 'x:' .. team .. ':crons:active', '(' .. ARGV[3], '+inf', 'LIMIT', 0, limit)
for _, id in ipairs(ids) do
    -- One that is damaged is for the patrol to see to.
    local read, fields = pcall(fields_of, P .. 'c:' .. team .. ':' .. id, 'version', 'next', 'fired_until', 'expression',
        'timezone', 'offset', 'timing')
    if read and fields.version and fields.next then
        rows[#rows + 1] = { id, fields.version, fields.next, fields.fired_until or '0', fields.expression or '',
            fields.timezone or '', fields.offset or '0', fields.timing or '' }
    end
end
return { now, #ids == limit and tonumber(ids[#ids]) or 0, rows }
