#!lua flags=no-writes
-- Read jobs for a caller; a job of a deleted queue is gone already.
--
-- KEYS  prefix    ARGV  team, with runs ('1' or '0'), then ids
-- Returns per job: id, its fields, what was asked (JSON), queue name, run (JSON or nothing).

local team, with_runs = ARGV[1], ARGV[2] == '1'
local names, rows = {}, {}
for i = 3, #ARGV do
    local id = ARGV[i]
    local fields = call('HGETALL', P .. 'j:' .. team .. ':' .. id)
    local queue, origin
    for f = 1, #fields, 2 do
        if fields[f] == 'queue' then queue = fields[f + 1] end
        if fields[f] == 'origin' then origin = fields[f + 1] end
    end
    if queue and names[queue] == nil then names[queue] = call('HGET', P .. 'q:' .. team .. ':' .. queue, 'name') end
    local spec = queue and call('GET', P .. 'b:' .. team .. ':' .. (origin or id))
    if spec and names[queue] then
        local run = with_runs and call('GET', P .. 'r:' .. team .. ':j' .. id)
        rows[#rows + 1] = { id, fields, spec, names[queue], run }
    end
end
return rows
