-- An error that one record is to blame for is its own, and not its neighbours'.

local take_damage, confined

do
    -- Errors of the server, and not of what is stored: they would come whatever was touched.
    local OF_SERVER = { '^ERR The user executing the script', '^ERR Unknown Redis command', '^ERR This Redis command',
        -- as Valkey says it
        '^ERR ACL failure in script', '^ERR Unknown command called from script', '^ERR This Valkey command' }

    local function is_of_data(said)
        local code = string.match(said, '^%u%u%u+')
        if code and code ~= 'ERR' and code ~= 'WRONGTYPE' and code ~= 'NOGROUP' then return false end
        for _, pattern in ipairs(OF_SERVER) do
            if string.find(said, pattern) then return false end
        end
        return true
    end

    -- What `pcall` caught: if what is stored is to blame it is seen to, any other error is raised.
    function take_damage(team, about, caught)
        local said = type(caught) == 'table' and caught.err or tostring(caught)
        if not is_of_data(said) then error(caught, 0) end
        blame(team, about, said)
    end

    -- Do `work` of a team about `about`: a record (`j:5`, `c:7`), a queue (`1:3`), or '' for what it shares. True and
    -- what it returns; false if what is stored there is damaged, which is remembered. Other errors are raised.
    function confined(team, about, work, ...)
        local done, first, second, third = pcall(work, ...)
        if done then return true, first, second, third end
        take_damage(team, about, first)
        return false
    end
end
