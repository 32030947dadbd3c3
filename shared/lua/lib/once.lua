-- How a function is made of the body of a file: with a beginning, and for writes of callers with an idempotency key.

local REFUSED = true -- `return answer, REFUSED`: this is no effect, and is not remembered
local KEPT = 24 * 3600 * 1000 -- ms

-- Without an idempotency key (KEYS[3] and more, see `remembered.lua`) the body's own answer, else { 1, answer of then },
-- { 0, answer of now }, or { -1 } if the key was used for something else.
local function once(work)
    if not KEYS[3] then return (work()) end
    local before = remembered()
    if before then return before end
    local answer, refused = work()
    if not refused then remember(answer, KEPT) end
    return { 0, answer }
end

local function register(name, flags, work)
    define({ function_name = LIBRARY .. '_' .. name, flags = flags, callback = function(keys, arguments)
        begin(keys, arguments)
        return work()
    end })
end
