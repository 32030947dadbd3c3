-- Which release of the time zones' rules is in use: who has an older one leaves the crons with a zone to others.

-- The newest release that a scheduler ever had; and whether one of those that live has it.
local function newest_zones()
    local SPOKEN = 30000 -- ms for which a scheduler's word on its release of the time zones' rules holds
    local said = fields_of(P .. 'zones', 'release', 'spoken')
    return said.release or '', said.release ~= nil and math.abs(moment() - (tonumber(said.spoken or '') or 0)) <= SPOKEN
end

-- Whether who computes by this release (nothing = by none) leaves crons with a time zone to others, who know better.
local function is_outdated(release)
    local newest, is_alive = newest_zones()
    return is_alive and release and release < newest
end
