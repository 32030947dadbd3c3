"""The provider of single sign-on: where people sign in, and who they are when they come back."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote_plus

import structlog
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from shared import clock
from shared.basics import issuer
from shared.errors import ProviderAway, Unauthenticated
from shared.security.oidc import id_tokens
from shared.security.oidc.id_tokens import Expected, Key, UnknownKey, Untrusted
from shared.security.oidc.sending import Json, Sender, Unanswered
from shared.settings import Settings

CALLBACK = "/sign-in/oidc/callback"
KEPT_SECONDS = 3600.0
AGAIN_SECONDS = 60.0
"""So often at most the keys are read anew because a token names one that is not among them."""
REST_SECONDS = 5.0
"""So long nobody waits for a provider that did not answer."""
_OK, _FAILED = 200, 500
ERROR = re.compile(r"[a-z_]{1,40}")
"""What names an error (RFC 6749, 5.2); whatever else a provider writes of it is neither logged nor shown."""
GOOGLE, GMAIL = "https://accounts.google.com", "gmail.com"
_BASIC, _POST = "client_secret_basic", "client_secret_post"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Flow:
    """What goes along to the provider, and has to fit what comes back."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


class Identity(NamedTuple):
    """Who signed in there, as the provider says it."""

    issuer: str
    subject: str
    email: object
    is_verified: bool
    name: object
    organisation: object = None
    """Of which domain's organisation the account is, as Google says it (`hd`); a private one is of none."""


class _Known(NamedTuple):
    """What the provider says of itself (OpenID Connect Discovery 1.0)."""

    authorization: str
    token: str
    jwks: str
    userinfo: str
    authentication: str
    keys: tuple[Key, ...]


class Provider:
    """One for a process; reads what the provider says of itself at the first use, and again after an hour."""

    def __init__(self, settings: Settings, elapsed: Callable[[], float] = clock.elapsed) -> None:
        self._settings, self._elapsed = settings, elapsed
        self._sender = Sender()
        self._lock = asyncio.Lock()
        self._known: _Known | None = None
        self._known_until = self._keys_until = self._rests_until = 0.0

    async def address_of(self, flow: Flow) -> str:
        """Where the browser goes; raises ProviderAway."""
        settings = self._settings
        return str(
            prepare_grant_uri(
                (await self._discovered()).authorization,
                client_id=settings.oidc_client_id,
                response_type="code",
                redirect_uri=settings.public_url + CALLBACK,
                scope=settings.oidc_scopes,
                state=flow.state,
                nonce=flow.nonce,
                code_challenge=create_s256_code_challenge(flow.verifier),
                code_challenge_method="S256",
            )
        )

    async def identity(self, flow: Flow, code: str, now: datetime) -> Identity:
        """Who came back with that code; raises ProviderAway, or Unauthenticated for a bad answer."""
        known = await self._discovered()
        answer = await self._exchanged(known, flow, code)
        token, access = answer.get("id_token"), answer.get("access_token")
        if not isinstance(token, str) or not isinstance(access, str):
            raise refused("there is no ID token in it; ask for the scope openid")
        expected = Expected(self._settings.oidc_issuer, self._settings.oidc_client_id, flow.nonce, access)
        try:
            claims = await self._verified(known, token, expected, now)
        except Untrusted as error:
            raise refused(str(error)) from None
        about: Json = claims
        if "email" not in claims and known.userinfo:
            about = await self._userinfo(known, access, claims["sub"])
        return Identity(
            issuer=expected.issuer,
            subject=claims["sub"],
            email=about.get("email"),
            is_verified=_is_verified(about, expected.issuer),
            name=about.get("name", claims.get("name")),
            organisation=claims.get("hd"),
        )

    async def _exchanged(self, known: _Known, flow: Flow, code: str) -> Json:
        """What the provider gives for the code."""
        settings, secret = self._settings, self._settings.oidc_client_secret
        form = prepare_token_request(
            "authorization_code",
            code=code,
            redirect_uri=settings.public_url + CALLBACK,
            code_verifier=flow.verifier,
        )
        name, password = settings.oidc_client_id, secret.get_secret_value() if secret else ""
        if known.authentication == _BASIC:  # encoded before they are joined: RFC 6749, 2.3.1
            name, password = quote_plus(name), quote_plus(password)
        client = ClientAuth(name, password, known.authentication if secret else "none")
        address, headers, form = client.prepare("POST", known.token, {}, form)
        try:
            status, answer = await self._sender.post(address, headers, form)
        except Unanswered as error:
            raise self._away("token", error) from None
        if status >= _FAILED:
            raise self._away("token", Unanswered(f"status {status}"))
        if status != _OK:
            code_of_error = str(answer.get("error"))
            named = code_of_error if ERROR.fullmatch(code_of_error) else "unknown"
            log.warning("oidc_code_refused", status=status, error=named)
            raise refused(_REFUSALS.get(named, "it took the code of this sign-in for none of its own"))
        return answer

    async def _verified(self, known: _Known, token: str, expected: Expected, now: datetime) -> Any:
        try:
            return id_tokens.verified(token, known.keys, expected, now)
        except UnknownKey:
            keys = await self._other_keys(known)
            return id_tokens.verified(token, keys, expected, now)

    async def _userinfo(self, known: _Known, access: str, subject: str) -> Json:
        try:
            about = await self._sender.get(known.userinfo, access)
        except Unanswered as error:
            raise self._away("userinfo", error) from None
        if about.get("sub") != subject:
            raise refused("what it says of the user is of somebody else")
        return about

    async def _discovered(self) -> _Known:
        async with self._lock:
            if self._known is None or self._elapsed() >= self._known_until:
                await self._asked("discovery", self._discover)
            assert self._known
            return self._known

    async def _other_keys(self, before: _Known) -> tuple[Key, ...]:
        """The keys of now, for a token that names one that was not among them."""
        async with self._lock:
            known = self._known or before
            if known.keys is before.keys and self._elapsed() >= self._keys_until:
                self._keys_until = self._elapsed() + AGAIN_SECONDS
                keys = await self._asked("keys", lambda: self._read_keys(known.jwks))
                self._known = known = known._replace(keys=keys)
            return known.keys

    async def _asked(self, what: str, ask: Callable[[], Any]) -> Any:
        """Ask the provider, unless it just did not answer: whoever waited for that is told at once."""
        if self._elapsed() < self._rests_until:
            raise ProviderAway(self._settings.oidc_name)
        try:
            return await ask()
        except Unanswered as error:
            self._rests_until = self._elapsed() + REST_SECONDS
            raise self._away(what, error) from None

    def _away(self, what: str, error: Unanswered) -> ProviderAway:
        log.warning("oidc_provider_away", what=what, error=str(error))
        return ProviderAway(self._settings.oidc_name)

    async def _discover(self) -> None:
        ours = self._settings.oidc_issuer
        said = await self._sender.get(f"{ours.rstrip('/')}/.well-known/openid-configuration")
        if said.get("issuer") != ours:
            raise Unanswered("it says another issuer than RECURO_OIDC_ISSUER")
        at = {name: _endpoint(said, name, ours) for name in _ENDPOINTS}
        if missing := [name for name in _ENDPOINTS[:3] if not at[name]]:
            raise Unanswered(f"no usable {missing[0]}")
        keys = await self._read_keys(at["jwks_uri"])
        supported = said.get("token_endpoint_auth_methods_supported")
        only_post = isinstance(supported, list) and _POST in supported and _BASIC not in supported
        self._known = _Known(
            authorization=at["authorization_endpoint"],
            token=at["token_endpoint"],
            jwks=at["jwks_uri"],
            userinfo=at["userinfo_endpoint"],
            authentication=_POST if only_post else _BASIC,
            keys=keys,
        )
        self._known_until = self._elapsed() + KEPT_SECONDS

    async def _read_keys(self, address: str) -> tuple[Key, ...]:
        return id_tokens.keys_of(await self._sender.get(address))


_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint")


_REFUSALS = {
    "invalid_client": "it does not know RECURO_OIDC_CLIENT_ID with RECURO_OIDC_CLIENT_SECRET",
    "unauthorized_client": "it does not let RECURO_OIDC_CLIENT_ID sign people in by a code",
}


def refused(why: str) -> Unauthenticated:
    """What came back from the provider lets nobody in."""
    log.warning("oidc_refused", why=why)
    return Unauthenticated(f"The answer of the provider was not accepted: {why}. Begin anew")


def _endpoint(said: Json, name: str, ours: str) -> str:
    """The address, or nothing if there is none to go to."""
    found = said.get(name)
    return found if isinstance(found, str) and issuer.is_endpoint(found, ours) else ""


def is_of_organisation(identity: Identity, domain: str) -> bool:
    """Whether the account is one that the domain's organisation gave, where the provider tells them apart.

    At Google anybody may have had an address of the domain verified once, and has no `hd` of it:
    https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload
    """
    if identity.issuer != GOOGLE or domain == GMAIL:
        return True
    return isinstance(identity.organisation, str) and identity.organisation.lower() == domain


def _is_verified(about: Json, of: str) -> bool:
    """Whether the provider knows that the address is theirs; Entra says it in a claim of its own."""
    if of.startswith("https://login.microsoftonline.com/") and "email_verified" not in about:
        return str(about.get("xms_edov")).lower() in ("true", "1")
    return str(about.get("email_verified")).lower() == "true"
