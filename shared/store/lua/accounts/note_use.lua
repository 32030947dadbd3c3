#!lua
-- Note when and from where a token was used last, or what it was refused; of a token that was deleted nothing is kept.
--
-- Given `digest`; and `interface`, `address` and now_ms, or `reason`.
-- Returns 1, or 0 if there is no such token.

local use = P .. 'use:' .. given.digest
if call('EXISTS', P .. 'token:' .. given.digest) == 0 then return 0 end
if given.reason then
    call('HINCRBY', use, 'refused:' .. given.reason, 1)
else
    call('HSET', use, 'used_at', moment(given.now_ms), 'used_by', given.interface, 'used_from', given.address)
end
return 1
