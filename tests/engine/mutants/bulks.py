"""Single faults in the Lua of changes of many in the background, each of which some test must notice."""

from tests.engine.mutants.mutation import rows

# fmt: off
BULKS = rows(
    # lib/call/once
    ("!one of many is changed though it waits no more", "once", "given.of_bulk and not bulks.awaits(given.team, given.of_bulk, given.item)", "false"),
    ("what was changed is not noted as it is", "traced", "if given.of_bulk then bulks.note_done(given.team, given.of_bulk, given.item) end", ""),
    # lib/records/bulks
    ("what was changed is still to be changed", "bulks.note_done", "call('LREM', P .. 'bulk_batch:' .. team .. ':' .. id, 1, item)", ""),
    ("what was changed is not counted", "bulks.note_done", "call('HINCRBY', P .. 'bulk:' .. team .. ':' .. id, 'done', 1)", ""),
    ("what became of one is counted as often as it is said", "bulks.note_other", "call('LREM', P .. 'bulk_batch:' .. team .. ':' .. id, 1, item) == 0", "call('LREM', P .. 'bulk_batch:' .. team .. ':' .. id, 1, item) < 0"),
    ("any number of refusals is kept", "bulks.note_other", "call('LLEN', refusals) < MOST_REFUSALS", "true"),
    ("what was lost is said to be done", "bulks.complete", "if bulks.left(team, id) > 0 then return bulks.cancel(team, id, 'lost') end", ""),
    ("ids of a change outlive it", "close", "call('DEL', P .. 'bulk_ids:' .. team .. ':' .. id, P .. 'bulk_batch:' .. team .. ':' .. id)", ""),
    ("one that is over is looked at for ever", "close", "call('SREM', P .. 'bulks', team .. ':' .. id)", ""),
    ("one that is over is kept for ever", "close", "fade(P .. 'bulk:' .. team .. ':' .. id, KEPT)", ""),
    ("refusals are kept for ever", "close", "fade(P .. 'bulk_refusals:' .. team .. ':' .. id, KEPT)", ""),
    ("one that is forgotten leaves its keys", "bulks.forget", "call('ZREM', P .. 'x:' .. team .. ':bulks', id)", ""),
    # start_bulk
    ("any number run", "start_bulk", "running >= tonumber(given.most_running)", "false"),
    ("those that ended are all kept", "start_bulk", "bulks.forget(team, ended[i])", ""),
    ("the audit trail names none of many", "start_bulk", "note_change(given.noun, given.named)", ""),
    # claim_bulk
    ("two have the same at a time", "claim_bulk.claim", "if is_held(its) then return nil end", ""),
    ("whoever has some cannot take them again", "claim_bulk.is_held", "its.holder ~= given.holder and", ""),
    ("what somebody took is his for ever", "claim_bulk.is_held", "held_until > now and", ""),
    ("a clock that was set back holds what is taken", "claim_bulk.is_held", "and held_until <= now + HELD_MS", ""),
    ("what was left is forgotten", "claim_bulk.claim", "if #ids == 0 then ids = take(its.taken) end", "ids = take(its.taken)"),
    ("the same are taken again and again", "claim_bulk.take", "call('HINCRBY', record, 'taken', #ids)", ""),
    ("nobody is said to have them", "claim_bulk.claim", "call('HSET', record, 'holder', given.holder, 'held_until', now + HELD_MS)", ""),
    # settle_bulk
    ("others wait though a step is over", "settle_bulk.note", "if its.holder == given.holder then call('HDEL', record, 'holder', 'held_until') end", ""),
    ("whoever is late gives away what others have", "settle_bulk.note", "if its.holder == given.holder then", "if true then"),
    ("the last one does not end it", "settle_bulk.note", "if left == 0 then bulks.complete(team, id) end", ""),
    # cancel_bulk, relist_bulks, clear_team
    ("one that is over can be cancelled", "cancel_bulk", "if state == 'running' then bulks.cancel(team, id, given.reason) end", "bulks.cancel(team, id, given.reason)"),
    ("one that the list lost is not found again", "relist_bulks.check", "call('SADD', P .. 'bulks', team .. ':' .. id) == 0", "true"),
    ("one without a record stays listed", "relist_bulks.check", "bulks.forget(team, id)", ""),
    ("a deleted team leaves changes of many", "clear_team.clear_bulks", "bulks.forget(team, id)", ""),
)
# fmt: on
