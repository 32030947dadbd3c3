#!lua
-- Take a code of a user's second factor, once: a step of the clock that is later than the last one, or a recovery code.
--
-- Given `user`; `code_step` (of which the code was right) or `recovery` (the digest of a code), neither = the code was wrong; `link` (the
-- digest of a sign-in that waits for the code, nothing = none) and now_ms.
-- Returns 'right', 'wrong', 'gone' (the sign-in is over or was tried too often), or ms to wait after too many wrong ones.

local TRIES, WRONG, REST_MS = 5, 10, 900000
local now, record, link = moment(given.now_ms), P .. 'user:' .. given.user, given.link and P .. 'link:' .. given.link
local its = fields_of(record, 'version', 'totp_step', 'recovery', 'code_rests')
if link then
    local of = fields_of(link, 'purpose', 'user', 'version', 'expires', 'tries')
    local is_open = of.purpose == 'code' and of.user == given.user and of.version == its.version and now < tonumber(of.expires)
    if not is_open or (tonumber(of.tries) or 0) >= TRIES then return 'gone' end
end
if now < (tonumber(its.code_rests) or 0) then return its.code_rests - now end

local function is_right()
    if given.code_step then return tonumber(given.code_step) > (tonumber(its.totp_step) or 0) end
    return given.recovery and string.find(its.recovery or '', given.recovery, 1, true) ~= nil
end

if not is_right() then
    if link then call('HINCRBY', link, 'tries', 1) end
    if call('HINCRBY', record, 'wrong_codes', 1) % WRONG == 0 then call('HSET', record, 'code_rests', now + REST_MS) end
    return 'wrong'
end
if given.code_step then
    call('HSET', record, 'totp_step', given.code_step)
else
    local left = string.gsub(its.recovery, given.recovery .. ',?', '')
    call('HSET', record, 'recovery', left)
end
call('HDEL', record, 'wrong_codes', 'code_rests')
if link then call('DEL', link) end
return 'right'
