#!lua
-- Put a newly sealed text in the place of one, if that is still as it was read.
--
-- KEYS  prefix    ARGV  the key below the prefix, its field ('' = the key is a string), what was read, what to keep;
--                       '1' if the record has a version, which whoever changes it compares
-- Returns 1, or 0 if it changed or went meanwhile.

local name, field, before, after = P .. ARGV[1], ARGV[2], ARGV[3], ARGV[4]
if field == '' then
    if call('GET', name) ~= before then return 0 end
    call('SET', name, after, 'KEEPTTL')
    return 1
end
if call('HGET', name, field) ~= before then return 0 end
call('HSET', name, field, after)
if ARGV[5] == '1' then call('HINCRBY', name, 'version', 1) end
return 1
