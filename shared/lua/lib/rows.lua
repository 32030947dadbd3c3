-- Records as `read_*` return them, for scripts that answer with what they have written.

local queue_names = {}

-- id, its fields, what was asked (JSON), queue name, run (JSON or nothing); nothing for a job that is not there, or whose
-- queue was deleted.
local function job_row(team, id, with_run)
    local fields = call('HGETALL', P .. 'j:' .. team .. ':' .. id)
    local queue, origin
    for f = 1, #fields, 2 do
        if fields[f] == 'queue' then queue = fields[f + 1] end
        if fields[f] == 'origin' then origin = fields[f + 1] end
    end
    if queue and queue_names[queue] == nil then queue_names[queue] = call('HGET', P .. 'q:' .. team .. ':' .. queue, 'name') end
    local spec = queue and call('GET', P .. 'b:' .. team .. ':' .. (origin or id))
    if not queue or not queue_names[queue] then return nil end
    return { id, fields, spec or '', queue_names[queue], with_run and call('GET', P .. 'r:' .. team .. ':j' .. id) }
end

-- id, its fields, then the counts of its jobs that are pending, processing, completed, failed, retrying and dead_lettered.
local function queue_row(team, id)
    local fields = call('HGETALL', P .. 'q:' .. team .. ':' .. id)
    if #fields == 0 then return nil end
    local row = { id, fields }
    for _, state in ipairs({ 'pending', 'processing', 'completed', 'failed', 'retrying', 'dead_lettered' }) do
        row[#row + 1] = call('ZCARD', P .. 'x:' .. team .. ':q' .. id .. ':' .. state)
    end
    return row
end
