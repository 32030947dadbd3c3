#!lua flags=no-writes
-- Read one page of ids out of disjoint indexes, newest (highest id) first.
--
-- Given `offset`, `count`; and the indexes' names below the prefix.
-- Returns the total, then the ids.

local offset, count = tonumber(given.offset), tonumber(given.count)
local keys, total, highest = {}, 0, 0
for _, index in ipairs(given_list()) do
    local key = P .. index
    local size = call('ZCARD', key)
    if size > 0 then
        keys[#keys + 1] = key
        total = total + size
        highest = math.max(highest, tonumber(call('ZRANGE', key, -1, -1)[1]))
    end
end
if offset >= total then return { total } end

local function how_many_from(id)
    local n = 0
    for _, key in ipairs(keys) do n = n + call('ZCOUNT', key, id, '+inf') end
    return n
end

-- The id that stands at `offset` is the highest with more than `offset` ids from it on: found by halving.
local low, high = 1, highest
while low < high do
    local middle = math.ceil((low + high) / 2)
    if how_many_from(middle) > offset then low = middle else high = middle - 1 end
end

local ids = {}
for _, key in ipairs(keys) do
    for _, id in ipairs(call('ZREVRANGEBYSCORE', key, low, '-inf', 'LIMIT', 0, count)) do
        ids[#ids + 1] = tonumber(id)
    end
end
table.sort(ids, function(a, b) return a > b end)
local page = { total }
for i = 1, math.min(count, #ids) do page[i + 1] = ids[i] end
return page
