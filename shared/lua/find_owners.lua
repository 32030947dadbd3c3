#!lua flags=no-writes
-- Find those queues or crons of a team that have rows in some states: one that has none costs one look.
--
-- KEYS  prefix    ARGV  team, kind (q|c), index of all below x:<team>:, after id, limit, then states
-- Returns the last id looked at (0 = all were), and the ids of those that have some.

local team, kind, limit, found = ARGV[1], ARGV[2], tonumber(ARGV[5]), {}
local ids = call('ZRANGEBYSCORE', P .. 'x:' .. team .. ':' .. ARGV[3], '(' .. ARGV[4], '+inf', 'LIMIT', 0, limit)
for _, id in ipairs(ids) do
    local base, indexes = P .. 'x:' .. team .. ':' .. kind .. id .. ':', {}
    for i = 6, #ARGV do indexes[i - 5] = base .. ARGV[i] end
    if call('EXISTS', unpack(indexes)) > 0 then found[#found + 1] = id end
end
return { #ids == limit and tonumber(ids[#ids]) or 0, found }
