#!lua flags=no-writes
-- What was answered to a write that was done under an idempotency key.
--
-- KEYS  prefix, the prefix and random bits, where the key is remembered, the prefix and a digest of what is asked now
-- Returns as `once.lua`; {0} if nothing was done.

local kept, asked = call('GET', KEYS[3]), string.sub(KEYS[4], #P + 1)
if not kept then return { 0 } end
if string.sub(kept, 1, #asked) ~= asked then return { -1 } end
return { 1, cmsgpack.unpack(string.sub(kept, #asked + 1)) }
