"""Single faults in the Lua of accounts and sessions."""

from tests.engine.mutation import rows

# fmt: off
ACCOUNTS = rows(
    # accounts
    ("!the owner is removed", "remove_member", "if call('HGET', P .. 'team:' .. team, 'owner') == user then return 'owner', REFUSED end", ""),
    ("the owner is demoted", "set_role", "if call('HGET', P .. 'team:' .. team, 'owner') == user then return 'owner', REFUSED end", ""),
    ("two hand a team over", "hand_over_team", "if its.owner ~= given.before then return 'stale', REFUSED end", ""),
    ("a team goes to nobody", "hand_over_team", "if call('EXISTS', member) == 0 then return 'nobody', REFUSED end", ""),
    ("the new owner stays a member", "hand_over_team", "call('HSET', member, 'role', 'admin')", ""),
    ("a name is of two teams", "rename_team", "if holder and holder ~= team then return 'taken', REFUSED end", ""),
    ("a deleted team keeps its name", "delete_team", "call('HDEL', P .. 'teams', its.name)", ""),
    ("nobody removes a deleted team", "delete_team", "call('SADD', P .. 'doomed_teams', team)", ""),
    ("an address is of two users", "create_user", "if call('HEXISTS', P .. 'emails', given.email) == 1 then return 'taken', REFUSED end", ""),
    ("an invitation is for anybody", "accept_invitation", "if call('HGET', P .. 'user:' .. user, 'email') ~= its.email then return 'other', REFUSED end", ""),
    ("!an invitation is never too old", "accept_invitation", "or now >= tonumber(of.expires)", ""),
    ("an invitation is accepted again", "accept_invitation", "call('DEL', link, record)", ""),
    ("a cancelled link is good", "cancel_invitation", "call('DEL', record, P .. 'link:' .. link)", "call('DEL', record)"),
    ("who is invited again has two links", "create_invitation", "if of.email == email or now", "if now"),
    ("a member is invited", "create_invitation", "return 'member', REFUSED", "user = nil"),
    ("a change is made on what another changed", "change_user", "if call('HGET', record, 'version') ~= given.version then return 'stale', REFUSED end", ""),
    ("sessions outlive a password", "change_user", "if given.ends_sessions then", "if false then"),
    ("an address that was typed counts as proved", "set_up_user", "call('HDEL', record, 'email_proved')", ""),
    ("an operator's word proves nothing", "create_user", "if given.proved then", "if false then"),
    ("a reset leaves no line", "change_user", "elseif given['who'] then", "elseif false then"),
    ("who ends sessions leaves no trace of whose", "end_sessions", "if given.team then note_change('user', given.user) end", ""),
    # sessions
    ("!a planted session lives on", "open_session", "if given.before then close(given.before) end", ""),
    ("a user has sessions without end", "open_session", "0, -MOST - 1", "0, -2 * MOST - 1"),
    ("an idle session lives on", "find_session", "or now - seen >= tonumber(given.idle_ms)", ""),
    ("a session lives for ever", "find_session", "or now >= tonumber(its.expires)", ""),
    ("use is not noted", "find_session", "if now - seen >= STEP_MS then call('HSET', record, 'seen', now) end", ""),
    ("a session acts in a deleted team", "find_session", "if role and not team.deleted then", "if role then"),
    ("a session acts in any team", "switch_team", "if not user or call('EXISTS', P .. 'member:' .. given.team .. ':' .. user) == 0 then return 0 end", ""),
    ("a link is used twice", "take_link", "call('DEL', record)", ""),
    ("a link is good for anything", "take_link", "its.purpose ~= given.purpose or", ""),
    ("a link outlives its time", "take_link", "or moment(given.now_ms) >= tonumber(its.expires)", ""),
    ("a link outlives a change of its user", "take_link", "if call('HGET', P .. 'user:' .. its.user, 'version') ~= its.version then return 0 end", ""),
    ("an older link stays good", "keep_link", "if before then call('DEL', P .. 'link:' .. before) end", ""),
    ("!a code counts twice", "prove_code", "> (tonumber(its.totp_step) or 0)", "> 0"),
    ("a recovery code counts twice", "prove_code", "given.recovery .. ',?', ''", "given.recovery .. ',?', '%0'"),
    ("a sign-in takes any number of codes", "prove_code", "or (tonumber(of.tries) or 0) >= TRIES", ""),
    ("wrong codes are never too many", "prove_code", "% WRONG == 0 then", "% WRONG == WRONG then"),
    ("a sign-in outlives another password", "prove_code", "and of.version == its.version", ""),
)
# fmt: on
