#!lua flags=no-writes
-- Count the records of an index whose moment is not before another, so that they ended after it.
--
-- Given `team`, `kind` (j|e), `index` (of ids that have ended, below x:<team>:), `after` (an id), `most`, since_ms.
-- Returns the last id looked at (0 = all were), and how many.

local team, most, found = given.team, tonumber(given.most), 0
local ids = call('ZRANGEBYSCORE', P .. 'x:' .. team .. ':' .. given.index, '(' .. given.after, '+inf', 'LIMIT', 0, most)
for _, id in ipairs(ids) do
    -- One that is damaged is for the patrol to see to.
    local read, due, backfill, created = pcall(values_of, record_of(given.kind, team, id), 'due', 'backfill', 'created')
    local at = read and tonumber(backfill and created or due or '')
    if at and at >= tonumber(given.since_ms) then found = found + 1 end
end
return { #ids == most and tonumber(ids[#ids]) or 0, found }
