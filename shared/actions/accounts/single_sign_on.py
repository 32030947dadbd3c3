"""Signing in by a provider of OpenID Connect: to it, and back from it as a user."""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import NamedTuple

import structlog
from pydantic import TypeAdapter, ValidationError
from redis.asyncio import Redis

from shared.actions import audit
from shared.actions.accounts import joining, sign_in, users
from shared.actions.accounts.sign_in import CodeNeeded, SignedIn
from shared.actions.accounts.users import StoredUser
from shared.actions.accounts.visits import Accounts, Visitor
from shared.errors import Conflict, Forbidden, NotFound, Unauthenticated
from shared.schemas.accounts.users import Email, key_of
from shared.security.oidc.provider import ERROR, Flow, Identity, Provider, refused
from shared.security.sessions import new_secret
from shared.security.tokens import digest_of
from shared.store import keyspace
from shared.store.transitions import accounts
from shared.store.writes import OURS

VALID_MINUTES = 10
MINUTE_MILLISECONDS = 60_000
MOST_CODE, MOST_NAME, MOST_PATH = 4096, 100, 500
SECRET = re.compile(r"[\w-]{43}", re.ASCII)
"""What a cookie of ours and a state look like."""
JOIN = re.compile(r"/join/([\w-]{43})", re.ASCII)
_ATTEMPTS = 3
_OVER = "The sign-in is used up, too old, or was begun in another browser; begin anew"
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Going:
    """Where the browser goes, and what its cookie has until it is back."""

    address: str = field(repr=False)
    browser: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser brings back."""

    state: str = field(repr=False)
    code: str = field(repr=False)
    error: str = ""
    issuer: str = ""


class Arrived(NamedTuple):
    """Who came back, and where it goes on to."""

    found: SignedIn | CodeNeeded
    after: str


async def begin(having: Accounts, visitor: Visitor, browser: str, after: str) -> Going:
    """Send a browser to the provider; raises NotFound without one, ProviderAway, or TooManyAttempts.

    A browser that has a cookie keeps it, so that two of its pages may be on the way at once.
    """
    provider = _provider(having)
    having.brakes.take_flow(visitor.address)
    known = browser if SECRET.fullmatch(browser) else new_secret()
    state = new_secret()
    address = await provider.address_of(_flow(state, known))
    now_ms = await having.now_ms()
    await accounts.keep_flow(
        having.redis,
        link=digest_of(state),
        browser=digest_of(known),
        after=after if len(after) <= MOST_PATH else "",  # anybody may send it, and it is kept
        expires=now_ms + VALID_MINUTES * MINUTE_MILLISECONDS,
        now_ms=now_ms,
    )
    return Going(address, known)


async def finish(having: Accounts, visitor: Visitor, browser: str, answer: Answer) -> Arrived:
    """Let in who comes back, by the provider's word; a second factor of ours is asked for all the same.

    Raises Unauthenticated for an answer that is no good, Forbidden for somebody who may not come in,
    ProviderAway, or NotFound without a provider.
    """
    provider = _provider(having)
    after = await _taken(having, browser, answer.state)
    if answer.error:
        raise Unauthenticated(_sentence(answer.error))
    if answer.issuer and answer.issuer != having.settings.oidc_issuer:  # RFC 9207
        raise refused("it is of another issuer")
    if not 0 < len(answer.code) <= MOST_CODE:
        raise refused("there is no code in it")
    identity = await provider.identity(_flow(answer.state, browser), answer.code, await having.now())
    email = _email(having, identity)
    user, after = await _user(having, visitor, identity, email, after)
    return Arrived(await sign_in.proceed(having, visitor, user), after)


def _provider(having: Accounts) -> Provider:
    if having.provider is None:
        raise NotFound("Page")
    return having.provider


def _flow(state: str, browser: str) -> Flow:
    """Nonce and verifier are made of what only this browser has, so that Redis knows neither."""
    return Flow(state, _derived(browser, f"nonce {state}"), _derived(browser, f"verifier {state}"))


def _derived(browser: str, purpose: str) -> str:
    made = hmac.digest(browser.encode(), purpose.encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


async def _taken(having: Accounts, browser: str, state: str) -> str:
    """Where it goes on to, once; raises Unauthenticated if this browser did not go with that state."""
    after = None
    if SECRET.fullmatch(state) and SECRET.fullmatch(browser):
        after = await accounts.take_flow(
            having.redis, link=digest_of(state), browser=digest_of(browser), now_ms=await having.now_ms()
        )
    if after is None:
        raise Unauthenticated(_OVER)
    return after


_SENTENCES = {
    "access_denied": "You were not let in by the provider, or said no there; begin anew",
    "temporarily_unavailable": "The provider cannot sign anybody in at the moment; try again later",
    "login_required": "The provider wants you to sign in there first; begin anew",
}


def _sentence(error: str) -> str:
    """What an error of the provider means; its own words anybody could have written, so none is shown."""
    named = error if ERROR.fullmatch(error) else "unknown"
    log.warning("oidc_refused", why=f"error {named}")
    return _SENTENCES.get(error, f"The provider could not sign you in ({named}); ask whoever runs Recuro")


def _email(having: Accounts, identity: Identity) -> str:
    """The e-mail address; raises Forbidden unless the provider has verified it, and it may come in."""
    try:
        email = TypeAdapter(Email).validate_python(identity.email)
    except ValidationError:
        email = ""
    # A letter beyond ASCII that is one of ASCII in lower case would make it somebody else's address.
    if not email or any(not letter.isascii() and letter.lower().isascii() for letter in email):
        raise Forbidden(
            "The provider did not say your e-mail address; it has to give the claim email to Recuro"
        )
    if not identity.is_verified:
        raise Forbidden(
            f"The provider has not verified {email} (email_verified); let it verify that, then begin anew"
        )
    domains = having.settings.oidc_domains
    if domains and key_of(email).rpartition("@")[2] not in domains:
        raise Forbidden(
            f"Addresses as {email} do not sign in here; use one of {', '.join(domains)}, which "
            "RECURO_OIDC_DOMAINS names"
        )
    return email


async def _user(
    having: Accounts, visitor: Visitor, identity: Identity, email: str, after: str
) -> tuple[StoredUser, str]:
    """The user who it is, linked from now on, and where it goes on to."""
    for _ in range(_ATTEMPTS):
        known = await _known(having.redis, identity) or await users.find(having.redis, email)
        if known is None:
            joined = await _joined(having, visitor, identity, email, after)
            if joined:
                after = f"/t/{joined}"
                continue
        elif _is_linked(known, identity):
            return known, after
        done = await _linked(having, visitor, identity, email, known)
        if isinstance(done, int):
            log.info("identity_linked", user=done, is_new=known is None)
            return await users.get(having.redis, done), after
        if done == "other":
            raise Forbidden(
                f"{email} belongs to a user who signs in as somebody else at the provider; ask whoever runs "
                "Recuro for `recuro user reset --single-sign-on`"
            )
        if done == "gone":
            log.error("oidc_team_missing", team=having.settings.oidc_team)
            raise Forbidden("The team of RECURO_OIDC_TEAM has no owner or is none; ask whoever runs Recuro")
    raise Conflict("The user was changed at the same moment; sign in again.")


async def _known(redis: Redis, identity: Identity) -> StoredUser | None:
    """The user who is linked to the identity."""
    found = await accounts.find_linked(
        redis, identity=_digest(identity), issuer=identity.issuer, subject=identity.subject
    )
    return await users.get(redis, found) if found else None


def _is_linked(user: StoredUser, identity: Identity) -> bool:
    return (user.issuer, user.subject) == (identity.issuer, identity.subject)


def _digest(identity: Identity) -> str:
    return digest_of(f"{identity.issuer}\n{identity.subject}")


async def _joined(
    having: Accounts, visitor: Visitor, identity: Identity, email: str, after: str
) -> int | None:
    """The team that somebody new joined by the invitation that it came from, if that is for its address."""
    code = JOIN.fullmatch(after)
    if not code:
        return None
    try:
        return await joining.join_by_provider(having, visitor, code[1], email=email, name=_name(identity))
    except NotFound:
        return None


async def _linked(
    having: Accounts, visitor: Visitor, identity: Identity, email: str, user: StoredUser | None
) -> int | str:
    """The user's id, or why it was not linked; raises Forbidden for somebody whom no team takes."""
    team = await sign_in.team_of(having, user.id) if user else await _team_of_new(having, email)
    who = {"issuer": identity.issuer, "subject": identity.subject}
    if user is None:
        who = {"email": email, "role": "member", **who}
    elif not user.has_proved_email:
        who = {"removed": "password, second factor and sessions, for nobody had proved the address", **who}
    said = audit.made(**who)
    operation = "link-identity" if user else "create-user"
    return await accounts.link_identity(
        having.redis,
        identity=_digest(identity),
        issuer=identity.issuer,
        subject=identity.subject,
        user=user.id if user else None,
        version=user.version if user else None,
        team=team,
        email=key_of(email),
        email_given=email,
        name=_name(identity),
        now_ms=await having.now_ms(),
        write=visitor.write(operation, email, said) if team else OURS,
    )


async def _team_of_new(having: Accounts, email: str) -> int:
    name = having.settings.oidc_team
    if not name:
        raise Forbidden(
            f"Nobody has the address {email} here; open the link of an invitation, and join by that"
        )
    found = await having.redis.hget(keyspace.teams(), name)  # type: ignore[misc]
    return int(found) if found else 0


def _name(identity: Identity) -> str:
    """What the provider calls the user, as far as it may be a name here."""
    return _UNPRINTABLE.sub("", identity.name).strip()[:MOST_NAME] if isinstance(identity.name, str) else ""
