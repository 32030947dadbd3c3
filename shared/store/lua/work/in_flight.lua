#!lua flags=no-writes
-- Read what one lane of a queue has in flight, for the rescuer to watch.
--
-- Given `queue` (team:queue), `lane`, `after` (an entry; from the first if nothing), `most`.
-- Returns per entry: entry, consumer, ref, how often its consumer has beaten for it.

local stream, rows = P .. given.lane .. given.queue, {}
local from = given.after and '(' .. given.after or '-'
local pending = redis.pcall('XPENDING', stream, 'workers', from, '+', given.most)
if pending.err then return rows end -- the stream or its group is gone
for _, one in ipairs(pending) do
    local entry = call('XRANGE', stream, one[1], one[1])[1]
    rows[#rows + 1] = { one[1], one[2], entry and entry[2][2] or '', one[4] }
end
return rows
