#!lua flags=allow-oom
-- Give crons another next fire, if they are still as they were read, are not due, and it was not made:  next fire is
-- reckoned anew.
--
-- KEYS  prefix    ARGV  now ('' = server), the release of the time zones' rules that says so ('' = none does: by an older one
--                       than ever was in use nothing is moved), then per cron: team, id, version, next fire as read (ms),
--                       next fire (ms)
-- Returns how many were given one.

local now, renewed = moment(ARGV[1]), 0
if ARGV[2] ~= '' and ARGV[2] < newest_zones() then return 0 end

local function renew(i, member)
    local known_next, next_fire = tonumber(ARGV[i + 3]), ARGV[i + 4]
    local fields = fields_of(P .. 'c:' .. member, 'version', 'offset', 'fired_until')
    local is_known = fields.version == ARGV[i + 2] and tonumber(call('ZSCORE', P .. 'crons', member) or '') == known_next
    if is_known and known_next > now and is_fresh(next_fire - (fields.offset or 0) * 1000, fields.fired_until) then
        call('ZADD', P .. 'crons', next_fire, member)
        call('HSET', P .. 'c:' .. member, 'next', next_fire)
        tell_clock(member)
        renewed = renewed + 1
    end
end

for i = 3, #ARGV, 5 do
    confined(ARGV[i], 'c:' .. ARGV[i + 1], renew, i, ARGV[i] .. ':' .. ARGV[i + 1])
end
return renewed
