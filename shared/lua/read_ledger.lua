#!lua flags=no-writes
-- Read the ledgers of teams at one instant.
--
-- KEYS  prefix    ARGV  teams
-- Returns per team: team, its fields.

local rows = {}
for _, team in ipairs(ARGV) do rows[#rows + 1] = { team, call('HGETALL', P .. 'ledger:' .. team) } end
return rows
