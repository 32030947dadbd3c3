"""Each change of users, teams, members, invitations, links and sessions that is one step in Redis.

All is below `r:{global}:`, in no shard: moments are given, as `moments.now` reads them.
"""

from shared.store.transitions.accounts.invitations import (
    accept_invitation,
    cancel_invitation,
    create_invitation,
)
from shared.store.transitions.accounts.links import keep_flow, keep_link, take_flow, take_link
from shared.store.transitions.accounts.sessions import (
    end_sessions,
    find_session,
    open_session,
    switch_team,
)
from shared.store.transitions.accounts.teams import (
    clear_accounts,
    clear_team,
    create_team,
    delete_team,
    hand_over_team,
    remove_member,
    rename_team,
    set_role,
)
from shared.store.transitions.accounts.users import (
    change_user,
    create_user,
    find_linked,
    link_identity,
    prove_code,
    set_up_user,
)

__all__ = [
    "accept_invitation",
    "cancel_invitation",
    "change_user",
    "clear_accounts",
    "clear_team",
    "create_invitation",
    "create_team",
    "create_user",
    "delete_team",
    "end_sessions",
    "find_linked",
    "find_session",
    "hand_over_team",
    "keep_flow",
    "keep_link",
    "link_identity",
    "open_session",
    "prove_code",
    "remove_member",
    "rename_team",
    "set_role",
    "set_up_user",
    "switch_team",
    "take_flow",
    "take_link",
]
