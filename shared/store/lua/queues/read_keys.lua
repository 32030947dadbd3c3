#!lua flags=no-writes
-- Read a page of the keys of a queue, by their names: those that something waits or runs of, or that are paused.
--
-- Given `team`, `queue`, `first` (from 0), `most`.
-- Returns how many there are, and per key: its name, how many of its jobs wait for their turn, how many are in flight, 1 if it is
-- paused; or nothing if there is no such queue.

local queue, first, rows = given.team .. ':' .. given.queue, tonumber(given.first), {}
if call('EXISTS', P .. 'q:' .. queue) == 0 then return nil end
local names = call('ZRANGE', P .. 'keys:' .. queue, first, first + given.most - 1)
for _, name in ipairs(names) do rows[#rows + 1] = keyed.row(queue, name) end
return { call('ZCARD', P .. 'keys:' .. queue), rows }
