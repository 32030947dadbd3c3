"""Who is at a page: the session that the browser brought, the team in the address, the cookie it gets."""

from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response

from services.api.pages.origins import is_secure
from services.api.requests import client_of
from shared.actions.accounts import sessions
from shared.actions.accounts.sign_in import SignedIn
from shared.actions.accounts.teams import ACCOUNTS
from shared.actions.accounts.visits import Accounts, Visitor
from shared.errors import Conflict, Forbidden, NotFound, Unauthenticated
from shared.operations import Call, Versions
from shared.runtime.serving import request_ids
from shared.schemas.accounts.sessions import TeamOfUser
from shared.security.sessions import Signed
from shared.store import transitions
from shared.store.idempotency import IdempotencyKey
from shared.store.keyspace import Team

KEYS = "recuro-keys"
"""The cookie that says whether single letters do something."""
SECURE_COOKIE, PLAIN_COOKIE = "__Host-recuro", "recuro"
MOST_ID_DIGITS = 15
YEAR_SECONDS = 31_536_000
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a page: what it is answered with, and by whom it came."""

    request: Request
    having: Accounts
    visitor: Visitor

    async def signed(self) -> Signed:
        """Who is signed in; raises Unauthenticated."""
        return await self.having.sessions.signed(self.visitor.session)

    async def signed_or_none(self) -> Signed | None:
        try:
            return await self.signed()
        except Unauthenticated:
            return None

    async def in_team(self) -> Signed:
        """Who is signed in, in the team that the address names; raises NotFound for one that is not theirs.

        The address decides, so that a link shows two members the same; the session keeps the last one.
        """
        wanted = _id_of(self.request.path_params["team"], "Team")
        signed = await self.signed()
        for _ in range(_ATTEMPTS):
            if signed.team and signed.team.id == wanted:
                self.request.scope["recuro.team"] = wanted
                return signed
            await sessions.switch_team(self.having, signed, wanted)
            signed = await self.signed()
        raise Conflict("Another page of yours went to another team at the same moment; load this one again.")

    async def as_admin(self) -> Signed:
        """The same; raises Forbidden for a member who is no admin."""
        signed = await self.in_team()
        if signed.role != "admin":
            raise Forbidden("Only admins of the team may see this; ask one of them.")
        return signed

    async def teams(self, signed: Signed) -> list[TeamOfUser]:
        return await sessions.teams(self.having.redis, signed)

    def call(
        self,
        signed: Signed,
        operation: str,
        once: str = "",
        *given: str,
        versions: Versions | None = None,
    ) -> Call:
        """A call of an operation; with the key of a form it is done once, however often the form is sent.

        What was typed is a part of the key: a form that is changed and sent again means something else.
        `versions` are those that the page showed; a change of others is Stale.
        """
        call = self.having.call(self.visitor, signed, operation)
        call = replace(call, versions=versions) if versions else call
        if not once:
            return call
        return replace(call, key=self._key(signed, call.team, operation, once, *given))

    async def was_done(self, signed: Signed, operation: str, once: str, *given: str) -> bool:
        """Whether that was done by a form with that key, whose answer was lost.

        Of what is not found any more once it is done: the team in the address, or its member.
        """
        key = self._key(signed, Team(self.id("team", "Team")), operation, once, *given)
        return await transitions.recall(self.having.redis, key, prefix=ACCOUNTS) is not None

    def _key(self, signed: Signed, team: Team, operation: str, once: str, *given: str) -> IdempotencyKey:
        """Of that user alone: nobody else is shown by it what the form made, as a token."""
        path, user = self.request.scope["path"], str(signed.user)
        digests = self.having.vault.digests(operation, path, user, once, *given)
        return IdempotencyKey.of(team, f"page-{digests[0]}", digests)

    def id(self, name: str, noun: str) -> int:
        """An id in the address; raises NotFound if there can be no such."""
        return _id_of(self.request.path_params[name], noun)

    def remembering(self, response: Response, cookie: str, value: str) -> Response:
        """The response, after which the browser brings for a year what somebody chose for it."""
        secure = is_secure(self.request, self.having.settings)
        response.set_cookie(
            cookie, value, max_age=YEAR_SECONDS, path="/", secure=secure, httponly=True, samesite="lax"
        )
        return response

    def with_session(self, response: Response, signed_in: SignedIn) -> Response:
        """The response, after which the browser brings that session and nothing else."""
        secure = is_secure(self.request, self.having.settings)
        response.set_cookie(
            SECURE_COOKIE if secure else PLAIN_COOKIE,
            signed_in.session,
            expires=signed_in.expires_at,
            path="/",
            secure=secure,
            httponly=True,
            samesite="lax",
        )
        return response

    def without_session(self, response: Response) -> Response:
        for name, secure in ((SECURE_COOKIE, True), (PLAIN_COOKIE, False)):
            response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")
        return response

    @property
    def provider(self) -> str:
        """What the provider of single sign-on is called; empty without one."""
        return self.having.settings.oidc_name if self.having.provider else ""

    @property
    def browser(self) -> str:
        """What the cookie has that this browser got when it was sent to the provider."""
        return self.request.cookies.get(self._browser_cookie, "")

    def with_browser(self, response: Response, browser: str, seconds: int) -> Response:
        """The response, after which the browser brings that back from the provider; 0 s: no more."""
        response.set_cookie(
            self._browser_cookie,
            browser,
            max_age=seconds,
            path="/",
            secure=is_secure(self.request, self.having.settings),
            httponly=True,
            samesite="lax",  # not strict: it is another site that sends the browser back
        )
        return response

    @property
    def _browser_cookie(self) -> str:
        secure = is_secure(self.request, self.having.settings)
        return f"{SECURE_COOKIE if secure else PLAIN_COOKIE}-provider"

    @property
    def address(self) -> str:
        """Where the pages are, as links name it that are given to others."""
        if self.having.settings.public_url:
            return self.having.settings.public_url
        return f"{self.request.scope['scheme']}://{self.request.headers.get('host', '')}"


def visit_of(request: Request) -> Visit:
    accounts: Accounts = request.state.accounts
    having = accounts.reading() if request.method == "GET" else accounts
    secure = is_secure(request, having.settings)
    visitor = Visitor(
        address=request.client.host if request.client else "",
        client=client_of(request),
        session=request.cookies.get(SECURE_COOKIE if secure else PLAIN_COOKIE),
        request_id=request_ids.of(request.scope),
    )
    return Visit(request, having, visitor)


def _id_of(text: str, noun: str) -> int:
    if not text.isascii() or not text.isdecimal() or text.startswith("0") or len(text) > MOST_ID_DIGITS:
        raise NotFound(noun)
    return int(text)
