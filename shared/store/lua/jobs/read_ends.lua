#!lua flags=no-writes
-- Read what still waits or runs of jobs and executions, for whoever waits for their ends; any id of a chain names it.
--
-- Given rows: `team`, `kind` and `id` of each.
-- Returns per row what is open (`j:5`): the execution, or the last attempt of the chain; '' if all has ended or is gone.

local AWAITED = { 'team', 'kind', 'id' }
local rows = {}

local function owner_of(team, kind, id)
    local fields = fields_of(record_of(kind, team, id), 'queue', 'cron')
    if kind == JOB then return fields.queue and P .. 'q:' .. team .. ':' .. fields.queue end
    return fields.cron and P .. 'c:' .. team .. ':' .. fields.cron
end

local function open_of(team, kind, id)
    local owner = owner_of(team, kind, id)
    if not owner or call('EXISTS', owner) == 0 then return '' end
    local last = kind == JOB and last_attempt_of(team, id) or id
    local state = call('HGET', record_of(kind, team, last), 'state')
    if state == 'pending' or state == 'processing' then return kind .. ':' .. last end
    return '' -- a retry that ended may be gone before its original
end

while more_rows() do
    local team, kind, id = next_values(AWAITED)
    local is_read, open = pcall(open_of, team, kind, id)
    rows[#rows + 1] = is_read and open or '' -- of what is damaged nobody will hear: whoever reads it is told
end
return rows
