"""Signing in by a provider of OpenID Connect: to it, and back from it as a user."""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import NamedTuple

import structlog
from pydantic import TypeAdapter, ValidationError

from shared.actions.accounts import linking, sign_in
from shared.actions.accounts.sign_in import CodeNeeded, SignedIn
from shared.actions.accounts.visits import Accounts, Visitor
from shared.errors import Forbidden, NotFound, Unauthenticated
from shared.schemas.accounts.users import Email, key_of
from shared.security.oidc.provider import (
    ERROR,
    Flow,
    Identity,
    Provider,
    is_of_organisation,
    refused,
)
from shared.security.sessions import new_secret
from shared.security.tokens import digest_of
from shared.store.transitions import accounts

VALID_MINUTES = 10
MINUTE_MILLISECONDS = 60_000
MOST_CODE, MOST_PATH = 4096, 500
SECRET = re.compile(r"[\w-]{43}", re.ASCII)
"""What a cookie of ours and a state look like."""
_OVER = "The sign-in is used up, too old, or was begun in another browser; begin anew"

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
    email: str
    after: str
    removed: tuple[str, ...] = ()
    """By what somebody else could have got in, for nobody had proved the address: to be told, once."""


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
    known = await linking.find(having, visitor, identity, email, after)
    found = await sign_in.proceed(having, visitor, known.user, known.team)
    return Arrived(found, known.user.email, known.after, known.removed)


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
    _check_domain(having, identity, email)
    return email


def _check_domain(having: Accounts, identity: Identity, email: str) -> None:
    """Raise Forbidden for an address outside RECURO_OIDC_DOMAINS, if there are any."""
    domains, domain = having.settings.oidc_domains, key_of(email).rpartition("@")[2]
    if domains and domain not in domains:
        raise Forbidden(
            f"Addresses as {email} do not sign in here; use one of {', '.join(domains)}, which "
            "RECURO_OIDC_DOMAINS names"
        )
    if domains and not is_of_organisation(identity, domain):
        raise Forbidden(
            f"{email} is a private account at Google (hd); use the one that your organisation {domain} gave "
            "you there"
        )
