-- Records of jobs, executions and notices, by their keys.

local OLDEST_NEWER = 2 -- records from this version on are another's to read

local function record_of(kind, team, id)
    return P .. kind .. ':' .. team .. ':' .. id
end

-- The first job of a chain, whose id is the chain's name; `id` may be any of its jobs.
local function original_of(team, id)
    return call('HGET', record_of(JOB, team, id), 'origin') or id
end

-- The last attempt of a chain: no other can still wait or run.
local function last_attempt_of(team, id)
    local first = original_of(team, id)
    return string.match(call('HGET', record_of(JOB, team, first), 'retries') or '', '(%d+),$') or first
end
