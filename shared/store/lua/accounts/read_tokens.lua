#!lua flags=no-writes
-- Read tokens of a team.
--
-- Given `team`; and ids, or none for all.
-- Returns per token: id, digest, its fields, and what was noted of its use.

local ids, wanted, rows = P .. 'tokens:' .. given.team, given_list(), {}
if #wanted == 0 then wanted = call('HKEYS', ids) end
for _, id in ipairs(wanted) do
    local digest = call('HGET', ids, id)
    if digest and call('TYPE', P .. 'token:' .. digest).ok == 'hash' then
        rows[#rows + 1] = { tonumber(id), digest, call('HGETALL', P .. 'token:' .. digest), call('HGETALL', P .. 'use:' .. digest) }
    end
end
return rows
