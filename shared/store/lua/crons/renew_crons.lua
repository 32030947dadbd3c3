#!lua flags=allow-oom
-- Give crons another next fire, if they are still as they were read, are not due, and it was not made:  next fire is
-- rescheduled.
--
-- Given the release of the time zones' rules that says so (nothing = none does: by an older one than ever was in use nothing
-- is moved), now_ms; and rows: crons, with their next fires as read and from now on.
-- Returns how many were given one.

local RENEWAL = { 'team', 'id', 'version', 'known_next_ms', 'next_ms' }
local now, renewed = moment(given.now_ms), 0
if given.release and given.release < newest_zones() then return 0 end

local function renew(its, member)
    local known_next, next_fire = tonumber(its.known_next_ms), its.next_ms
    local fields = fields_of(P .. 'c:' .. member, 'version', 'offset', 'fired_until')
    local is_known = fields.version == its.version and tonumber(call('ZSCORE', P .. 'crons', member) or '') == known_next
    if is_known and known_next > now and is_fresh(next_fire - (fields.offset or 0) * 1000, fields.fired_until) then
        call('ZADD', P .. 'crons', next_fire, member)
        call('HSET', P .. 'c:' .. member, 'next', next_fire)
        planned.write(its.team, its.id)
        tell_clock(member)
        renewed = renewed + 1
    end
end

while more_rows() do
    local its = next_row(RENEWAL)
    confined(its.team, 'c:' .. its.id, renew, its, its.team .. ':' .. its.id)
end
return renewed
