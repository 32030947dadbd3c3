#!lua
-- Use a link up: of two at once one gets it.
--
-- Given `link` (the digest of its code), `purpose`, now_ms.
-- Returns the id of its user; 0 if it is no such link, is used or too old.

local record = P .. 'link:' .. given.link
local its = fields_of(record, 'purpose', 'user', 'version', 'expires')
if its.purpose ~= given.purpose or moment(given.now_ms) >= tonumber(its.expires) then return 0 end
call('DEL', record)
if call('HGET', P .. 'user:' .. its.user, 'version') ~= its.version then return 0 end
return its.user
