#!lua flags=no-writes
-- What was answered to a write that was done under an idempotency key.
--
-- KEYS  prefix, the prefix and random bits, where the key is remembered, the prefix and each digest of the request now
-- Returns as `once.lua`; {0} if nothing was done.

return remembered() or { 0 }
