#!lua repeatable
-- Make a team, whose owner is its first member.
--
-- Given `name`, `user` (its owner), `shard`, now_ms.
-- Returns its id; 'taken' if another team has the name; 'gone' if there is no such user.

local now, user, name = moment(given.now_ms), given.user, given.name
if call('HEXISTS', P .. 'teams', name) == 1 then return 'taken', REFUSED end
if call('EXISTS', P .. 'user:' .. user) == 0 then return 'gone', REFUSED end

local id
repeat id = tostring(call('HINCRBY', P .. 'ids', 'team', 1)) until call('EXISTS', P .. 'team:' .. id) == 0
call('HSET', P .. 'team:' .. id, 'name', name, 'shard', given.shard, 'owner', user, 'created', now)
call('HSET', P .. 'teams', name, id)
call('HSET', P .. 'member:' .. id .. ':' .. user, 'role', 'admin', 'joined', now)
call('ZADD', P .. 'members:' .. id, user, user)
call('SADD', P .. 'member_of:' .. user, id)
given['team'] = id -- whose trail has the line
note_change('team', id)
note_change('member', user)
return id
