#!lua flags=no-writes
-- Read what one lane of a queue has in flight, for the rescuer to watch.
--
-- KEYS  prefix    ARGV  team:queue, lane, after entry ('-' = from the start), count
-- Returns per entry: entry, consumer, ref, how often its consumer has beaten for it.

local stream, rows = P .. ARGV[2] .. ARGV[1], {}
local from = ARGV[3] == '-' and '-' or '(' .. ARGV[3]
local held = redis.pcall('XPENDING', stream, 'workers', from, '+', ARGV[4])
if held.err then return rows end -- the stream or its group is gone
for _, pending in ipairs(held) do
    local entry = call('XRANGE', stream, pending[1], pending[1])[1]
    rows[#rows + 1] = { pending[1], pending[2], entry and entry[2][2] or '', pending[4] }
end
return rows
