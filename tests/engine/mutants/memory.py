"""Single faults in the Lua that keeps memory and walks within bounds, each of which some test must notice."""

from tests.engine.mutants.mutation import rows

# fmt: off
MEMORY = rows(
    # memory
    ("long runs are kept whole", "memory.kept_run", "or memory.shortage().level < NO_BODIES then return run end", "or true then return run end"),
    ("a run is cut at its last big field", "memory.kept_run", "at < first", "at > first"),
    ("a note holds for ever", "memory.shortage", "(tonumber(noted['until'] or '') or 0) > moment()", "true"),
    ("last answers are kept", "memory.kept_response", "> SMALL / 4 and memory.shortage().level >= NO_BODIES", "> SMALL / 4 and false"),
    ("a team is told of each fire", "tell_of_shortage", "< QUIET_HOUR then return end", "< 0 then return end"),
    ("each fire left out is a record", "memory.skip", "tonumber(fields.created) >= memory.shortage().since then", "false then"),
    ("one record stands for two shortages", "memory.skip", "fields.created and tonumber(fields.created) >= memory.shortage().since then", "fields.created then"),
    ("what ended takes nothing", "memory.take", "tally(team, 'bytes', size)", ""),
    ("what was asked takes nothing", "memory.take", "tonumber(spec_bytes or 0) + #result.run", "#result.run"),
    ("a record forgets since when", "memory.skip", "'first', fields.first or fields.due)", "'first', fields.due)"),
    # fires
    ("fires are made without memory", "fire_cron", "memory.leaves_out_fires() then", "false then"),
    ("heartbeats are left out", "fire_cron", "not policy.grace and memory.leaves_out_fires()", "memory.leaves_out_fires()"),
    # records
    ("what is gone still takes what it took", "remove_job", "if not is_open then tally(team, 'bytes', -(fields.size or 0)) end", ""),
    ("what waited is taken off", "remove_job", "if not is_open then tally(team, 'bytes'", "if true then tally(team, 'bytes'"),
    ("executions that are gone take what they took", "remove_execution", "tally(team, 'bytes', -(size or 0))", ""),
    # note_memory
    ("a shortage never ends", "note_memory", "call('DEL', P .. 'memory')", ""),
    ("a shortage begins anew with each look", "note_memory", "if level ~= before then", "if true then"),
    # find_overdue
    ("old history is not found", "find_overdue.is_overdue", "if is_older(base .. state, 'due', now - age) then return true end", ""),
    ("too much history is not found", "find_overdue.is_overdue", "return kept > most", "return false"),
    ("old dead letters are not found", "find_overdue.is_overdue", "if has_dead_ones(id, base) then return true end", ""),
    ("a lost record hides what follows it", "find_overdue.is_older", "return not at or", "return at and"),
    # find_owners
    ("no cron has work", "find_owners", "call('EXISTS', unpack(indexes)) > 0", "call('EXISTS', unpack(indexes)) > 9"),
    ("the first crons alone are looked at", "find_owners", "#ids == limit and tonumber(ids[#ids]) or 0", "0"),
)
# fmt: on
