#!lua flags=allow-oom
-- Remove members and invitations of a deleted team, a bounded step at a time; their trail stays.
--
-- Given `team`, `limit`.
-- Returns how many went; 0 once there are none: then it is no more to be cleared, and only its record and trail are left.

local team, limit, removed = given.team, tonumber(given.limit), 0
if not call('HGET', P .. 'team:' .. team, 'deleted') then return 0 end
for _, id in ipairs(call('ZRANGE', P .. 'invitations:' .. team, 0, limit - 1)) do
    local record = P .. 'invitation:' .. team .. ':' .. id
    call('DEL', record, P .. 'link:' .. (call('HGET', record, 'link') or ''))
    call('ZREM', P .. 'invitations:' .. team, id)
    removed = removed + 1
end
for _, user in ipairs(call('ZRANGE', P .. 'members:' .. team, 0, limit - removed - 1)) do
    call('DEL', P .. 'member:' .. team .. ':' .. user)
    call('ZREM', P .. 'members:' .. team, user)
    call('SREM', P .. 'member_of:' .. user, team)
    removed = removed + 1
end
if removed == 0 then
    call('DEL', P .. 'ids:' .. team)
    call('SREM', P .. 'doomed_teams', team)
    call('SADD', P .. 'ended_teams', team) -- whose trail goes with time
end
return removed
