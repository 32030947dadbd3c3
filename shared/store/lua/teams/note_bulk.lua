#!lua flags=allow-oom repeatable
-- Remember a text of a change of many under the caller's key, as which of them are meant, or what became of them.
--
-- Given `team`, `noun`, `text`; and ids of what is meant, alone or as `8-12`, which the audit trail names.
-- Returns the text.

local function note_all()
    for _, ids in ipairs(given_list()) do note_change(given.noun, ids) end
end

confined(given.team, '', note_all)
return given.text
