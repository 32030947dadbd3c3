#!lua flags=allow-oom
-- Give crons another next fire, if they are still as they were read, are not due, and it was not made:  next fire is
-- reckoned anew.
--
-- KEYS  prefix    ARGV  per cron: team, id, version, next fire as read (ms), next fire (ms); and at the end, if other rules of
--                       its time zone are why, their release: by an older one than ever was in use nothing is moved
-- Returns how many were given one.

local renewed, OF_CRON = 0, 5
if #ARGV % OF_CRON == 1 and ARGV[#ARGV] < newest_zones() then return 0 end
for i = 1, #ARGV - OF_CRON + 1, OF_CRON do
    local member = ARGV[i] .. ':' .. ARGV[i + 1]
    local known_next, next_fire = tonumber(ARGV[i + 3]), ARGV[i + 4]
    local fields = call('HMGET', P .. 'c:' .. member, 'version', 'offset', 'fired_until')
    local is_known = fields[1] == ARGV[i + 2] and tonumber(call('ZSCORE', P .. 'crons', member) or '') == known_next
    if is_known and known_next > moment() and is_fresh(next_fire - (fields[2] or 0) * 1000, fields[3]) then
        call('ZADD', P .. 'crons', next_fire, member)
        call('HSET', P .. 'c:' .. member, 'next', next_fire)
        tell_clock(member)
        renewed = renewed + 1
    end
end
return renewed
