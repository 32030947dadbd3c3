-- How a function is made of the body of a file: with a beginning, and for writes of callers with an idempotency key.
--
-- What was done under an idempotency key: a digest of the request, then the answer and more digests of the same.
--
-- A digest is taken with an encryption key. The first is of the oldest key that the writer had, which processes from
-- before a rotation know; the others are of newer ones, which are all that is left once the old key is gone.
-- KEYS[3] is where it is remembered; KEYS[4] and those after it the prefix and each digest of the request now.

local REFUSED = true -- `return answer, REFUSED`: this is no effect, and is not remembered
local once, remembered

do
    local function digests_of_now()
        local found = {}
        for i = 4, #KEYS do found[#found + 1] = string.sub(KEYS[i], #P + 1) end
        return found
    end

    -- Nothing, or { 1, answer of then }; { -1 } if the key was used for something else.
    function remembered()
        local kept = call('GET', KEYS[3])
        if not kept then return nil end
        local width, known = #KEYS[4] - #P, {}
        local parts = { cmsgpack.unpack(string.sub(kept, width + 1)) }
        known[string.sub(kept, 1, width)] = true
        for i = 2, #parts do known[parts[i]] = true end
        for _, digest in ipairs(digests_of_now()) do
            if known[digest] then return { 1, parts[1] } end
        end
        return { -1 }
    end

    local function remember(answer)
        local digests, kept_ms = digests_of_now(), 24 * 3600 * 1000
        local oldest = table.remove(digests, 1)
        call('SET', KEYS[3], oldest .. cmsgpack.pack(answer, unpack(digests)))
        fade(KEYS[3], kept_ms)
    end

    local function traced(work)
        local answer, refused = work()
        if refused then return answer, refused end
        if given.of_bulk then bulks.note_done(given.team, given.of_bulk, given.item) end
        if P == 'r:{global}:' then -- accounts, which are of no shard: nothing there is put aside
            write_trail()
        else
            confined(given.team, '', write_trail)
        end
        return answer
    end

    -- Without an idempotency key (KEYS[3] and more) the body's own answer, else { 1, answer of then },
    -- { 0, answer of now }, or { -1 } if the key was used for something else. The error SIGNEDOUT if it is made by a session
    -- (`by_session`, its digest, of the user `by_user_of_session`) that has ended: a process remembers one for some seconds.
    -- The error TAKEN if it is of a change of many (`of_bulk`) that does not wait for this `item` any more.
    function once(work)
        if given.by_session and call('HGET', P .. 'session:' .. given.by_session, 'user') ~= given.by_user_of_session then
            return redis.error_reply('SIGNEDOUT the session has ended')
        end
        if given.of_bulk and not bulks.awaits(given.team, given.of_bulk, given.item) then
            return redis.error_reply('TAKEN it was changed before, or is not to be any more')
        end
        if not KEYS[3] then return (traced(work)) end
        local before = remembered()
        if before then return before end
        local answer, refused = traced(work)
        if not refused then remember(answer) end
        return { 0, answer }
    end
end

local function register(name, flags, work)
    define({ function_name = LIBRARY .. '_' .. name, flags = flags, callback = function(keys, arguments)
        begin(keys, arguments)
        return work()
    end })
end
