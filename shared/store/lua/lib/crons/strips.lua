-- Strips: what became of the last executions of a cron, as one short text on its record, which whoever reads the cron
-- reads with it.
--
-- An entry has 19 bytes: the execution's id (11 digits, hex), a letter of what became of it, and how long it took (ms, 7
-- digits, hex; dashes where nobody knows). Entries stand in the order of their ids, which is the one in which fires were
-- made, whenever they ended: so a strip is the same whoever writes it, and can be compared with the executions.

local strips = {}

do
    local KEPT, WIDTH, ID, BEGINS = 30, 19, 11, 200 -- entries; bytes of an entry, of its id, of a run that say how long it took
    local HEX = '[%da-f]'
    local ENTRY = HEX .. HEX .. HEX .. HEX .. HEX .. HEX .. HEX .. HEX .. HEX .. HEX .. HEX .. '[DdFfomlptys]' ..
        '[%da-f-][%da-f-][%da-f-][%da-f-][%da-f-][%da-f-][%da-f-]'
    local LETTER = { completed = 'd', failed = 'f' } -- a capital if it was made late
    local SKIPPED = { overlap = 'o', missed = 'm', limit = 'l', paused = 'p', ended = 't', memory = 'y' }
    local LONGEST, LATE = 268435455, 1000 -- ms that fit; ms after its moment that an execution was made
    local skipped

    at_begin(function() skipped = {} end)

    -- How long a run took (ms, as digits), as its JSON says in its beginning; nothing if it does not.
    function strips.took(run)
        local begins = string.sub(run or '', 1, BEGINS)
        return string.match(begins, '^%[[^,]*,[^,]*,(%d+)') or string.match(begins, '"duration_ms":(%d+)')
    end

    -- `its` are fields of the execution as it ended: state, and created and due, or skip_reason.
    function strips.entry(id, its, took)
        local letter = its.state == 'skipped' and (SKIPPED[its.skip_reason or ''] or 's') or LETTER[its.state]
        local created, due = tonumber(its.created or ''), tonumber(its.due or '')
        if LETTER[its.state] and created and due and created - due > LATE then letter = string.upper(letter) end
        return string.format('%011x', id) .. letter ..
            (took and string.format('%07x', math.min(tonumber(took), LONGEST)) or '-------')
    end

    -- The entries of a text by their ids (hex); nothing if it is no strip.
    function strips.entries(text)
        local found, rest = {}, string.gsub(text, ENTRY, '')
        if rest ~= '' or #text > KEPT * WIDTH then return nil end
        for at = 1, #text, WIDTH do found[string.sub(text, at, at + ID - 1)] = string.sub(text, at, at + WIDTH - 1) end
        return found
    end

    -- The strip of these entries, by their ids.
    function strips.of(entries)
        local ids, kept = {}, {}
        for id in pairs(entries) do ids[#ids + 1] = id end
        table.sort(ids, function(one, other) return tonumber(one, 16) < tonumber(other, 16) end)
        for i = math.max(1, #ids - KEPT + 1), #ids do kept[#kept + 1] = entries[ids[i]] end
        return table.concat(kept)
    end

    -- The strip of a cron (`1:5`) with an entry more, in the place of one of the same execution. What is no strip is left
    -- out, and named.
    function strips.with(text, entry, member)
        text = text or ''
        if #text > KEPT * WIDTH or string.gsub(text, ENTRY, '') ~= '' then
            note_damage('strip:' .. member, 'what became of its last executions could not be read, and begins anew')
            text = ''
        end
        local id, after = tonumber(string.sub(entry, 1, ID), 16), #text
        local function id_before(at) return at > 0 and tonumber(string.sub(text, at - WIDTH + 1, at - WIDTH + ID), 16) or 0 end
        while id_before(after) > id do after = after - WIDTH end
        local before = id_before(after) == id and after - WIDTH or after
        return string.sub(string.sub(text, 1, before) .. entry .. string.sub(text, after + 1), -KEPT * WIDTH)
    end

    -- An execution that was skipped. A call may skip hundreds of one cron: they are written once.
    function strips.skip(team, cron, id, reason)
        local member = team .. ':' .. cron
        local its = skipped[member] or { team = team, cron = cron, entries = {} }
        skipped[member] = its
        its.entries[#its.entries + 1] = strips.entry(id, { state = 'skipped', skip_reason = reason })
    end

    local function write_skips(its, member)
        local version, text = values_of(P .. 'c:' .. member, 'version', 'strip')
        if not version then return end -- deleted meanwhile
        for i = math.max(1, #its.entries - KEPT + 1), #its.entries do text = strips.with(text, its.entries[i], member) end
        call('HSET', P .. 'c:' .. member, 'strip', text)
    end

    function strips.post()
        for member, its in pairs(skipped) do confined(its.team, 'c:' .. its.cron, write_skips, its, member) end
        skipped = {}
    end
end
