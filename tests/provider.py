"""A provider of OpenID Connect that says what a test wants it to, as a real HTTP server with keys of its own."""

import base64
import contextlib
import hashlib
import json
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from subprocess import DEVNULL, Popen
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.installation import free_port
from tests.poll import until

CLIENT, SECRET = "recuro", "of the client, and +%:& too"
EMAIL, SUBJECT = "ada@example.com", "248289761001"
KEY, OTHER_KEY = RSAKey.generate_key(2048, {"kid": "one"}), RSAKey.generate_key(2048, {"kid": "two"})
CONNECTIONS_SECONDS = 50.0

Claims = dict[str, Any]
Behaviour = Callable[[BaseHTTPRequestHandler], None]


def signed(claims: Claims) -> str:
    """As a provider signs."""
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, KEY, algorithms=["RS256"])


def published(*keys: RSAKey) -> dict[str, Any]:
    return {"keys": [{**key.as_dict(private=False), "use": "sig"} for key in keys]}


class Provider:
    """`with Provider() as provider:` answers at `provider.issuer`; what its fields say holds until `reset`."""

    def __init__(self) -> None:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.answer(self)

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self.reset()

    def reset(self) -> None:
        self.discovery: dict[str, Any] = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize?tenant=main",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
        }
        self.jwks = published(KEY)
        self.claims: Claims = {}
        """Beside, or with None instead of, what is usual in an ID token."""
        self.userinfo: Claims = {"sub": SUBJECT}
        self.sign: Callable[[Claims], object] = signed
        self.behaviours: dict[str, Behaviour] = {}
        self.asked: list[str] = []
        self.released = threading.Event()
        self._codes: dict[str, dict[str, str]] = {}

    def authorize(self, address: str) -> str:
        """What a browser does there: the address that it is sent back to."""
        place, _, query = address.partition("?")
        given = dict(parse_qsl(query))
        assert place == f"{self.issuer}/authorize"
        assert given["tenant"] == "main"
        assert given["response_type"] == "code"
        assert given["client_id"] == CLIENT
        assert given["code_challenge_method"] == "S256"
        code = f"code {len(self._codes)}"
        self._codes[code] = given
        return f"{given['redirect_uri']}?{urlencode({'code': code, 'state': given['state']})}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = urlsplit(request.path).path
        self.asked.append(path)
        with contextlib.suppress(OSError):  # whoever asked has heard enough
            if path in self.behaviours:
                self.behaviours[path](request)
                return
            match path:
                case "/.well-known/openid-configuration":
                    say(request, self.discovery)
                case "/jwks":
                    say(request, self.jwks)
                case "/token":
                    self._exchange(request)
                case "/userinfo" if request.headers["Authorization"] == "Bearer access":
                    say(request, self.userinfo)
                case _:
                    say(request, {"error": "not_found"}, 404)

    def drip(self, request: BaseHTTPRequestHandler, said: bytes) -> None:
        """Say that again and again until the test is over, and never come to an end."""
        request.send_response(200)
        request.end_headers()
        deadline = time.monotonic() + CONNECTIONS_SECONDS
        while not self.released.wait(0.2) and time.monotonic() < deadline:
            request.wfile.write(said)

    def _exchange(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers["Content-Length"])
        form = {name: values[0] for name, values in parse_qs(request.rfile.read(length).decode()).items()}
        given = self._codes.get(form["code"], {})
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        is_right = (
            form["grant_type"] == "authorization_code"
            and form["redirect_uri"] == given.get("redirect_uri")
            and challenge == given.get("code_challenge")
            and request.headers["Authorization"] == _basic()
        )
        if not is_right:
            say(request, {"error": "invalid_grant", "error_description": SECRET}, 400)
            return
        self._codes[form["code"]] = {}
        now = int(time.time())
        usual = {"iss": self.issuer, "sub": SUBJECT, "aud": CLIENT, "exp": now + 300, "iat": now}
        about = {"nonce": given["nonce"], "email": EMAIL, "email_verified": True, "name": "Ada"}
        claims = {name: value for name, value in (usual | about | self.claims).items() if value is not None}
        say(request, {"id_token": self.sign(claims), "access_token": "access", "token_type": "Bearer"})

    def __enter__(self) -> "Provider":
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


def say(request: BaseHTTPRequestHandler, document: Mapping[str, Any] | bytes, status: int = 200) -> None:
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    request.send_response(status)
    request.send_header("Content-Type", "application/json")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


def saying(document: Mapping[str, Any] | bytes, status: int = 200) -> Behaviour:
    return lambda request: say(request, document, status)


def redirecting(to: str) -> Behaviour:
    def redirect(request: BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("Location", to)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return redirect


def _basic() -> str:
    """RFC 6749, 2.3.1: both are encoded as in a form, then joined."""
    joined = f"{CLIENT}:{urlencode({'': SECRET})[1:]}"
    return f"Basic {base64.b64encode(joined.encode()).decode()}"


@contextlib.asynccontextmanager
async def of_others(*users: Claims) -> AsyncIterator[str]:
    """The issuer of a provider that we did not write, as a process of its own; it answers."""
    port = free_port()
    issuer = f"http://127.0.0.1:{port}"
    claims = [part for user in users for part in ("--user-claims", json.dumps(user))]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true"]

    async def answers() -> bool:
        try:
            return (await client.get(issuer)).status_code == 200
        except httpx.TransportError:
            return False

    with Popen([*command, *claims], stderr=DEVNULL) as process:
        try:
            async with httpx.AsyncClient(timeout=30, verify=False) as client:
                await until(answers)
            yield issuer
        finally:
            process.terminate()
