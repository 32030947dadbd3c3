#!lua flags=allow-oom
-- Give crons another next fire, if they are still as they were read:  next fire is reckoned anew.
--
-- KEYS  prefix    ARGV  per cron: team, id, version, next fire as read (ms), next fire (ms)
-- Returns how many were given one.

local renewed = 0

local function renew(i, member)
    local score = call('ZSCORE', P .. 'crons', member)
    if score and tonumber(score) == tonumber(ARGV[i + 3]) and
        call('HGET', P .. 'c:' .. member, 'version') == ARGV[i + 2] then
        call('ZADD', P .. 'crons', ARGV[i + 4], member)
        call('HSET', P .. 'c:' .. member, 'next', ARGV[i + 4])
        tell_clock(member)
        renewed = renewed + 1
    end
end

for i = 1, #ARGV, 5 do
    confined(ARGV[i], 'c:' .. ARGV[i + 1], renew, i, ARGV[i] .. ':' .. ARGV[i + 1])
end
return renewed
