#!lua
-- Use up that a browser went to the provider: of two at once one gets it, and of another browser none.
--
-- Given `link` (the digest of the state that came back), `browser` (the digest of what the cookie has), now_ms.
-- Returns where it goes on to; nothing if it is no such flow, was used, is too old, or of another browser, which uses up nothing.

local record = P .. 'link:' .. given.link
local its = fields_of(record, 'purpose', 'browser', 'after', 'expires')
if its.purpose ~= 'provider' or its.browser ~= given.browser then return {} end
call('DEL', record)
if moment(given.now_ms) >= tonumber(its.expires) then return {} end
return { its.after }
