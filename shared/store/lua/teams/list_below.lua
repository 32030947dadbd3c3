#!lua flags=no-writes
-- Read ids out of disjoint indexes, newest (highest id) first, as a search walks.
--
-- Given `before` (an id, or nothing), `count`; and the indexes' names below the prefix.
-- Returns whether there are more, then the ids.

local ids, are_more = looks.below(given_list(), given.before, tonumber(given.count))
for n, id in ipairs(ids) do ids[n] = tonumber(id) end
return { are_more and 1 or 0, unpack(ids) }
