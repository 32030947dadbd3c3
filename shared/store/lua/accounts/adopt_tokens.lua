#!lua
-- Give tokens of earlier versions an id, by which their team finds them.
--
-- Given the digests of tokens. Returns how many had none.

local adopted = 0
for _, digest in ipairs(given_list()) do
    local record = P .. 'token:' .. digest
    local known = call('TYPE', record).ok == 'hash' and fields_of(record, 'team', 'id') or {}
    local team, id = string.match(known.team or '', '^%d+$'), known.id
    if team and not id then
        repeat
            id = call('HINCRBY', P .. 'ids:' .. team, 'token', 1)
        until call('HSETNX', P .. 'tokens:' .. team, id, digest) == 1
        call('HSET', record, 'id', id)
        call('HINCRBY', record, 'version', 1)
        adopted = adopted + 1
    end
end
return adopted
