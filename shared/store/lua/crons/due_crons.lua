#!lua flags=allow-oom
-- Read the crons that fall due up to a horizon.
--
-- Given `ahead_ms` (from now), `most`, `skip` (how many of the first to leave out), the release of the time zones' rules
-- that the caller computes by, now_ms.
-- Returns now (ms, no later than is vouched for), the first due moment after them (ms, 0 = none), then per cron: team:id,
-- due (ms; its next fire, also where it was set aside for later), version, expression, time zone, offset (s), time policy
-- (JSON), up to when it has fired (ms, without its offset); and last 1 if those with a time zone are for others to fire, by
-- a newer release of its rules, else 0.

local now, skip = math.min(moment(given.now_ms), vouched()), tonumber(given.skip)
local crons = P .. 'crons'
local due = call('ZRANGEBYSCORE', crons, '-inf', now + tonumber(given.ahead_ms), 'WITHSCORES', 'LIMIT', skip, given.most)
local rows = {}

local function read(member, score)
    local fields = fields_of(P .. 'c:' .. member, 'version', 'expression', 'timezone', 'offset', 'timing',
        'fired_until', 'next')
    if not fields.version and call('EXISTS', P .. 'c:' .. member) == 1 then error('its version is lost', 0) end
    if not fields.version then return call('ZREM', crons, member) end
    local at = tonumber(fields.next or '')
    if not at or at > tonumber(score) then at = score end
    rows[#rows + 1] = { member, string.format('%.0f', at), fields.version, fields.expression or '', fields.timezone or '', fields.offset or '0',
        fields.timing or '', fields.fired_until or '0' }
end

for i = 1, #due, 2 do
    local team, id = string.match(due[i], '^(%d+):(%d+)$')
    -- What is no cron's name, or whose record is damaged, is not due again until somebody has changed it.
    if not team or not confined(team, 'c:' .. id, read, due[i], due[i + 1]) then call('ZREM', crons, due[i]) end
end
local after = call('ZRANGE', crons, skip + #due / 2, skip + #due / 2, 'WITHSCORES')
return { now, after[2] and tonumber(after[2]) or 0, rows, is_outdated(given.release) and 1 or 0 }
