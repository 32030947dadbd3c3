#!lua flags=allow-oom
-- Look at crons again only later that nobody could judge, so that they stand in no other cron's way:  next fire stays.
--
-- KEYS  prefix    ARGV  per cron: team, id, version, when to look again (ms)
-- Returns how many were set aside.

local count = 0
for i = 1, #ARGV, 4 do
    local member = ARGV[i] .. ':' .. ARGV[i + 1]
    if call('HGET', P .. 'c:' .. member, 'version') == ARGV[i + 2] then
        call('ZADD', P .. 'crons', 'XX', ARGV[i + 3], member)
        count = count + 1
    end
end
return count
