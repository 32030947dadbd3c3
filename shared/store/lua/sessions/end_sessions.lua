#!lua flags=allow-oom repeatable
-- End sessions of a user: those that begin with these digits, or all but one.
--
-- Given `user`, `begins` (nothing = all), `keep` (the digest of one that stays); `team`, of the line in its trail.
-- Returns how many ended.

local listed, ended = P .. 'sessions:' .. given.user, 0
for _, session in ipairs(call('ZRANGE', listed, 0, -1)) do
    local is_meant = not given.begins or string.sub(session, 1, #given.begins) == given.begins
    if is_meant and session ~= given.keep then
        ended = ended + call('DEL', P .. 'session:' .. session)
        call('ZREM', listed, session)
    end
end
if ended == 0 then return 0, REFUSED end
if given.team then note_change('user', given.user) end
return ended
