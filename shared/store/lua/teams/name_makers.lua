#!lua flags=no-writes
-- Say what those are called by now who made something; below the prefix of accounts.
--
-- Given `team`; and texts, `t:` and the id of a token of the team, or `u:` and the id of a user.
-- Returns per text its name, or '' if it is gone.

local names = {}

local function is_there(record)
    return call('TYPE', record).ok == 'hash'
end

local function name_of_token(id)
    local record = P .. 'token:' .. (call('HGET', P .. 'tokens:' .. given.team, id) or '')
    return is_there(record) and call('HGET', record, 'name')
end

local function name_of_user(id)
    local record = P .. 'user:' .. id
    return is_there(record) and call('HGET', record, 'email')
end

for place, text in ipairs(given_list()) do
    local kind, id = string.match(text, '^(.):(.*)$')
    names[place] = (kind == 't' and name_of_token or name_of_user)(id) or ''
end
return names
