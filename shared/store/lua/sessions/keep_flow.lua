#!lua
-- Keep that a browser went to the provider of single sign-on, until it comes back.
--
-- Given `link` (the digest of the state that went along), `browser` (the digest of what its cookie has), `after` (where it goes
-- on to inside), `expires`, now_ms.
-- Returns 1.

local now, record = moment(given.now_ms), P .. 'link:' .. given.link
call('HSET', record, 'purpose', 'provider', 'browser', given.browser, 'after', given.after, 'expires', given.expires)
fade(record, given.expires - now)
return 1
