#!lua flags=no-writes
-- Read queues with how many of their jobs are in each state.
--
-- KEYS  prefix    ARGV  team, then ids
-- Returns per queue: id, its fields, then the counts of pending, processing, completed, failed, retrying and
-- dead_lettered (disjoint).

local team, rows = ARGV[1], {}
for i = 2, #ARGV do
    local id = ARGV[i]
    local fields = call('HGETALL', P .. 'q:' .. team .. ':' .. id)
    if #fields > 0 then
        local row = { id, fields }
        for _, state in ipairs({ 'pending', 'processing', 'completed', 'failed', 'retrying', 'dead_lettered' }) do
            row[#row + 1] = call('ZCARD', P .. 'x:' .. team .. ':q' .. id .. ':' .. state)
        end
        rows[#rows + 1] = row
    end
end
return rows
