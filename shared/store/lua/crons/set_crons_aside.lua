#!lua flags=allow-oom
-- Look at crons again only later that nobody could judge, so that they stand in no other cron's way:  next fire stays.
--
-- Given rows: crons, and when to look again.
-- Returns how many were set aside.

local CRON_ASIDE = { 'team', 'id', 'version', 'again_ms' }
local count = 0
while more_rows() do
    local its = next_row(CRON_ASIDE)
    local member = its.team .. ':' .. its.id
    if call('HGET', P .. 'c:' .. member, 'version') == its.version then
        call('ZADD', P .. 'crons', 'XX', its.again_ms, member)
        count = count + 1
    end
end
return count
