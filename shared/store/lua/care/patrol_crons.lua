#!lua flags=allow-oom
-- Hold active crons against the clock's list, and put back what is to fire and is not in it; and against what lists of their fires
-- read, which is written anew where it differs.
--
-- Given the team, `after` (an id), `most`.
-- Returns the last id looked at (0 = all were) and the ids that were put back.

local team, most, mended = given.team, tonumber(given.most), {}
local ids = call('ZRANGEBYSCORE', P .. 'x:' .. team .. ':crons:active', '(' .. given.after, '+inf', 'LIMIT', 0, most)
local function next_of(member, id)
    if call('EXISTS', P .. 'c:' .. member) == 0 then note_damage('c:' .. member, 'its record is lost; delete the cron')  end
    planned.write(team, id)
    return call('HGET', P .. 'c:' .. member, 'next')
end

for _, id in ipairs(ids) do
    local member = team .. ':' .. id
    local done, next_fire = confined(team, 'c:' .. id, next_of, member, id)
    if done and tonumber(next_fire) and not is_damaged('c:' .. member) and not call('ZSCORE', P .. 'crons', member) then
        call('ZADD', P .. 'crons', next_fire, member)
        tell_clock(member)
        mended[#mended + 1] = id
    end
end
return { #ids == most and tonumber(ids[#ids]) or 0, mended }
