-- One call of a function of the library: what it was given, and what it gathers. The library's locals outlive a call, also
-- one that failed half-way, so every file that keeps something of a call in locals says here how that begins.

local KEYS, ARGV -- of this call; KEYS[1] routes it to its shard, and is never a key itself
local P -- the shard's prefix, which is KEYS[1]
local call -- redis.call, which is there only while a function runs
local beginnings = {}

local function at_begin(reset)
    beginnings[#beginnings + 1] = reset
end

local function begin(keys, arguments)
    KEYS, ARGV, P, call = keys, arguments, keys[1], redis.call
    for i = 1, #beginnings do beginnings[i]() end
end
