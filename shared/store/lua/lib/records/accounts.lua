-- What functions of accounts do alike, to what a team has of a user and to the trails of the user's teams.

local accounts = {}

-- End invitations into a team: those of which a field (`email`, `by_user`) says this.
function accounts.end_invitations(team, field, said)
    local listed = P .. 'invitations:' .. team
    for _, invitation in ipairs(call('ZRANGE', listed, 0, -1)) do
        local record = P .. 'invitation:' .. team .. ':' .. invitation
        local its = fields_of(record, 'email', 'by_user', 'link')
        if its[field] == said then
            call('DEL', record, P .. 'link:' .. (its.link or ''))
            call('ZREM', listed, invitation)
            if team == given.team then note_change('invitation', invitation) end
        end
    end
end

-- End the tokens of a team that are the user's: 500 at most.
function accounts.end_tokens(team, user)
    local tokens = call('HGETALL', P .. 'tokens:' .. team)
    for i = 1, #tokens, 2 do
        local record = P .. 'token:' .. tokens[i + 1]
        if call('HGET', record, 'user') == user then
            call('DEL', record, P .. 'use:' .. tokens[i + 1])
            call('HDEL', P .. 'tokens:' .. team, tokens[i])
            note_change('token', tokens[i])
        end
    end
end

function accounts.end_sessions(user, kept)
    local listed = P .. 'sessions:' .. user
    for _, session in ipairs(call('ZRANGE', listed, 0, -1)) do
        if session ~= kept then
            call('DEL', P .. 'session:' .. session)
            call('ZREM', listed, session)
        end
    end
end

-- A line of what is done to the user in the trail of each of its teams, and of what `work` does in that team (nothing = no more).
function accounts.in_each_team(user, work)
    for _, team in ipairs(call('SMEMBERS', P .. 'member_of:' .. user)) do
        given['team'] = team
        if work then work(team) end
        note_change('user', user)
        write_trail()
    end
    given['who'] = nil -- it is written
end
