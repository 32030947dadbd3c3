"""Every Redis key of accounts, named once. They are of no shard, and all in one slot.

=============================  ======  =====================================================================
Key, below `r:{global}:`       Type    Holds
=============================  ======  =====================================================================
user:<user>                    hash    a user: e-mail address, password (argon2id), second factor (sealed)
emails                         hash    user ids by e-mail address in lower case
identities                     hash    user ids by whom a provider of single sign-on says they are (SHA-256)
team:<team>                    hash    a team: name, shard, owner, and when it was deleted
member:<team>:<user>           hash    what a user is in a team
members:<team>                 zset    user ids of a team
member_of:<user>               set     team ids of a user
invitation:<team>:<id>         hash    an e-mail address that is invited, by whom, until when
invitations:<team>             zset    invitation ids of a team
link:<sha256>                  hash    a code that is good for one use: for what, whose, until when
session:<sha256>               hash    a session: whose, in which team, from where, seen when
sessions:<user>                zset    digests of a user's sessions, by when they were opened (ms)
doomed_teams                   set     deleted teams that still have something to be removed
ended_teams                    set     deleted teams that have nothing left but their audit trail
token:<sha256>                 hash    a token: whose it is, what it may, and never itself
tokens:<team>                  hash    the digests of a team's tokens, by their ids
use:<sha256>                   hash    when a token was used last, what it was refused, what is counted of it
=============================  ======  =====================================================================

There too: `ids:<team>`, `i:`, `audit:` as in a shard; `teams` (ids by name), `ids`, `adopted` (have ids),
`sealed` (what keys open), `seals` (one of each key), `bootstrap` (digests), `probe` (is it writable?).
"""

from shared.store.keyspace import GLOBAL, prefix


def sealed() -> str:
    return f"{prefix(GLOBAL)}sealed"


def probe() -> str:
    return f"{prefix(GLOBAL)}probe"


def token(digest: str) -> str:
    return f"{prefix(GLOBAL)}token:{digest}"


def use(digest: str) -> str:
    return f"{prefix(GLOBAL)}use:{digest}"


def adopted() -> str:
    return f"{prefix(GLOBAL)}adopted"


def seals() -> str:
    return f"{prefix(GLOBAL)}seals"


def bootstrap() -> str:
    return f"{prefix(GLOBAL)}bootstrap"


def teams() -> str:
    return f"{prefix(GLOBAL)}teams"


def team(team_id: int | str) -> str:
    return f"{prefix(GLOBAL)}team:{team_id}"


def global_ids() -> str:
    return f"{prefix(GLOBAL)}ids"


def user(user_id: int | str) -> str:
    return f"{prefix(GLOBAL)}user:{user_id}"


def emails() -> str:
    return f"{prefix(GLOBAL)}emails"


def member(team_id: int | str, user_id: int | str) -> str:
    return f"{prefix(GLOBAL)}member:{team_id}:{user_id}"


def members(team_id: int | str) -> str:
    return f"{prefix(GLOBAL)}members:{team_id}"


def member_of(user_id: int | str) -> str:
    return f"{prefix(GLOBAL)}member_of:{user_id}"


def invitation(team_id: int | str, invitation_id: int | str) -> str:
    return f"{prefix(GLOBAL)}invitation:{team_id}:{invitation_id}"


def link(digest: str) -> str:
    return f"{prefix(GLOBAL)}link:{digest}"


def session(digest: str) -> str:
    return f"{prefix(GLOBAL)}session:{digest}"


def sessions(user_id: int | str) -> str:
    return f"{prefix(GLOBAL)}sessions:{user_id}"


def doomed_teams() -> str:
    return f"{prefix(GLOBAL)}doomed_teams"


def ended_teams() -> str:
    return f"{prefix(GLOBAL)}ended_teams"
