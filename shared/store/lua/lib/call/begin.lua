-- One call of a function of the library: what it was given, and what it gathers. The library's locals outlive a call, also
-- one that failed half-way, so every file that keeps something of a call in locals says here how that begins.

local KEYS, ARGV -- of this call; KEYS[1] routes it to its shard, and is never a key itself
local given -- what the call was given by name, as texts
local cursor -- where its rest goes on in ARGV: rows, or ids
local P -- the shard's prefix, which is KEYS[1]
local call -- redis.call, which is there only while a function runs
local beginnings = {}

-- Fields of a hash by their names; those that it does not have are nil.
local function fields_of(key, ...)
    local values, names, found = call('HMGET', key, ...), { ... }, {}
    for i = 1, #names do found[names[i]] = values[i] or nil end
    return found
end

-- The same as values in that order, false for those that it does not have: on the way of every job a table of names takes
-- a third as long as the read.
local function values_of(key, ...)
    return unpack(call('HMGET', key, ...))
end

local function at_begin(reset)
    beginnings[#beginnings + 1] = reset
end

-- Whether the call brought more rows.
local function more_rows()
    return cursor <= #ARGV
end

-- The next row, by these names.
local function next_row(names)
    local found = {}
    for i = 1, #names do found[names[i]] = ARGV[cursor + i - 1] end
    cursor = cursor + #names
    return found
end

-- The same as values in that order.
local function next_values(names)
    local first = cursor
    cursor = cursor + #names
    return unpack(ARGV, first, cursor - 1)
end

-- What is left of it, as a list.
local function given_list()
    return { unpack(ARGV, cursor) }
end

-- ARGV is how many names there are, then each with its value, then the rest.
local function begin(keys, arguments)
    KEYS, ARGV, P, call, given = keys, arguments, keys[1], redis.call, {}
    cursor = 2 * arguments[1] + 2
    for i = 2, cursor - 1, 2 do given[arguments[i]] = arguments[i + 1] end
    for i = 1, #beginnings do beginnings[i]() end
end
