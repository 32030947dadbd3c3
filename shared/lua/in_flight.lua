-- Read what one lane of a queue has in flight, for the rescuer to watch.
--
-- KEYS  prefix    ARGV  team:queue, lane, after entry ('-' = from the start), count
-- Returns per entry: entry, consumer, ref, how often it has beaten.

local queue, lane = ARGV[1], ARGV[2]
local stream, rows = P .. lane .. queue, {}
if call('EXISTS', stream) == 0 then return rows end
local from = ARGV[3] == '-' and '-' or '(' .. ARGV[3]
for _, pending in ipairs(call('XPENDING', stream, 'workers', from, '+', ARGV[4])) do
    local entry = call('XRANGE', stream, pending[1], pending[1])[1]
    local ref = entry and entry[2][2] or ''
    local record = ref ~= '' and P .. string.sub(ref, 1, 1) .. ':' .. team_of(queue) .. string.sub(ref, 2)
    rows[#rows + 1] = { pending[1], pending[2], ref, record and call('HGET', record, 'beat') or '' }
end
return rows
