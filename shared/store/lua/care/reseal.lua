#!lua
-- Put a newly sealed text in the place of one, if that is still as it was read.
--
-- Given `name` (of the key, below the prefix), its `field` (none if it is a string), `before` (what was read), `after`
-- (what to keep), `has_version` (the record has one, which whoever changes it compares).
-- Returns 1, or 0 if it changed or went meanwhile.

local name, field, before, after = P .. given.name, given.field, given.before, given.after
if not field then
    if call('GET', name) ~= before then return 0 end
    call('SET', name, after, 'KEEPTTL')
    return 1
end
if call('HGET', name, field) ~= before then return 0 end
call('HSET', name, field, after)
if given.has_version then call('HINCRBY', name, 'version', 1) end
return 1
