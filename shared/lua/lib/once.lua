-- The end of a script whose calls may carry an idempotency key. Its body is the function `work` before this; what that
-- refused (`return answer, REFUSED`) is no effect, and is not remembered.
--
-- KEYS[3] is where what was done under the key is remembered, KEYS[4] the prefix and a digest of what is asked now.
-- Without them the body's own answer is returned, else { 1, answer of then }, { 0, answer of now }, or { -1 } if the key
-- was used for something else.

if not KEYS[3] then return (work()) end

local KEPT = 24 * 3600 * 1000
local kept, asked = call('GET', KEYS[3]), string.sub(KEYS[4], #P + 1)
if kept and string.sub(kept, 1, #asked) ~= asked then return { -1 } end
if kept then return { 1, cmsgpack.unpack(string.sub(kept, #asked + 1)) } end

local answer, refused = work()
if not refused then
    call('SET', KEYS[3], asked .. cmsgpack.pack(answer))
    fade(KEYS[3], KEPT)
end
return { 0, answer }
