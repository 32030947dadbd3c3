"""Single faults in the Lua that keeps memory and walks within bounds, each of which some test must notice."""

from tests.engine.mutation import rows

# fmt: off
MEMORY = [
    *rows(
        "lib/memory",
        ("long runs are kept whole", " or memory.shortage().level < NO_BODIES then return run end", " or true then return run end"),
        ("a run is cut at its last big field", "at < first", "at > first"),
        ("a note holds for ever", "(tonumber(noted['until'] or '') or 0) > moment()", "true"),
        ("last answers are kept", "> SMALL / 4 and memory.shortage().level >= NO_BODIES", "> SMALL / 4 and false"),
        ("a team is told of each fire", "< QUIET_HOUR then return end", "< 0 then return end"),
        ("each fire left out is a record", "tonumber(fields.created) >= memory.shortage().since then", "false then"),
        ("one record stands for two shortages", "fields.created and tonumber(fields.created) >= memory.shortage().since then", "fields.created then"),
        ("what ended takes nothing", "        tally(team, 'bytes', size)\n", ""),
        ("what was asked takes nothing", "tonumber(asked or 0) + #result.run", "#result.run"),
        ("a record forgets since when", "'first', fields.first or fields.due)", "'first', fields.due)"),
    ),
    *rows(
        "lib/fires",
        ("fires are made without memory", "memory.leaves_out_fires() then", "false then"),
        ("heartbeats are left out", "not policy.grace and memory.leaves_out", "memory.leaves_out"),
    ),
    *rows(
        "lib/records",
        ("what is gone still takes what it took", "if not is_open then tally(team, 'bytes', -(fields.size or 0)) end", ""),
        ("what waited is taken off", "if not is_open then tally(team, 'bytes'", "if true then tally(team, 'bytes'"),
        ("executions that are gone take what they took", "    tally(team, 'bytes', -(call('HGET', record_of('e', team, id), 'size') or 0))\n", ""),
    ),
    *rows(
        "note_memory",
        ("a shortage never ends", "    call('DEL', P .. 'memory')\n", ""),
        ("a shortage begins anew with each look", "if level ~= before then", "if true then"),
    ),
    *rows(
        "find_overdue",
        ("old history is not found", "if is_older(base .. state, 'due', now - age) then return true end", ""),
        ("too much history is not found", "return kept > most", "return false"),
        ("old dead letters are not found", "if has_dead_ones(id, base) then return true end", ""),
        ("a lost record hides what follows it", "return not at or", "return at and"),
    ),
    *rows(
        "find_owners",
        ("no cron has work", "call('EXISTS', unpack(indexes)) > 0", "call('EXISTS', unpack(indexes)) > 9"),
        ("the first crons alone are looked at", "#ids == limit and tonumber(ids[#ids]) or 0", "0"),
    ),
]
# fmt: on
