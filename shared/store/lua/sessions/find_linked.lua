#!lua flags=no-writes
-- Find the user who is linked to whom the provider of single sign-on says it is.
--
-- Given `identity` (the digest of issuer and subject), `issuer`, `subject`.
-- Returns the user's id; 0 if nobody is, or no more: what the user's own record says counts.

local user = call('HGET', P .. 'identities', given.identity)
if not user then return 0 end
local its = fields_of(P .. 'user:' .. user, 'issuer', 'subject')
return its.issuer == given.issuer and its.subject == given.subject and user or 0
