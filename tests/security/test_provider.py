"""What a provider says of itself, how often it is asked, and with which keys it may sign."""

import asyncio
import gzip
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
import structlog
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from shared.errors import ProviderAway, Unauthenticated
from shared.security.oidc import id_tokens, provider
from shared.security.oidc.id_tokens import Expected, Untrusted
from shared.security.oidc.provider import Flow, Identity
from shared.settings import Settings
from tests.provider import (
    CLIENT,
    EMAIL,
    KEY,
    OTHER_KEY,
    SECRET,
    SUBJECT,
    Claims,
    Provider,
    published,
    redirecting,
    saying,
)

DISCOVERY, JWKS = "/.well-known/openid-configuration", "/jwks"
NOW = datetime(2026, 11, 28, tzinfo=UTC)


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def running() -> Iterator[Provider]:
    with Provider() as found:
        yield found


def ours(running: Provider, clock: Clock | None = None, **given: Any) -> provider.Provider:
    settings = {
        "public_url": "http://127.0.0.1:1",
        "oidc_issuer": running.issuer,
        "oidc_client_id": CLIENT,
        "oidc_client_secret": SECRET,
        **given,
    }
    return provider.Provider(Settings(**settings), clock or Clock())


def new_flow(number: int = 0) -> Flow:
    return Flow(f"state {number}", f"nonce {number}", "verifier " + "x" * 40)


async def arrive(one: provider.Provider, running: Provider, number: int = 0) -> Identity:
    """To the provider and back."""
    flow = new_flow(number)
    back = running.authorize(await one.address_of(flow))
    code = back.partition("code=")[2].partition("&")[0].replace("+", " ")
    return await one.identity(flow, code, datetime.now(UTC))


async def test_who_came_back_is_told(running: Provider) -> None:
    assert await arrive(ours(running), running) == Identity(running.issuer, SUBJECT, EMAIL, True, "Ada")


async def test_what_it_says_of_itself_is_read_once_an_hour(running: Provider) -> None:
    clock = Clock()
    one = ours(running, clock)

    await asyncio.gather(*(one.address_of(new_flow(number)) for number in range(5)))
    clock.now += 3599
    await one.address_of(new_flow())
    within = list(running.asked)
    clock.now += 1
    await one.address_of(new_flow())

    assert within == [DISCOVERY, JWKS]
    assert running.asked == [DISCOVERY, JWKS] * 2


async def test_the_issuer_may_end_with_a_slash_and_is_compared_with_it(running: Provider) -> None:
    running.discovery["issuer"] = running.claims["iss"] = f"{running.issuer}/"

    found = await arrive(ours(running, oidc_issuer=f"{running.issuer}/"), running)

    assert found.issuer == f"{running.issuer}/"
    with pytest.raises(ProviderAway):
        await ours(running).address_of(new_flow())


def packed(request: BaseHTTPRequestHandler) -> None:
    body = gzip.compress(b" " * 10_000_000)
    request.send_response(200)
    request.send_header("Content-Encoding", "gzip")
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


@pytest.mark.parametrize("path", [DISCOVERY, JWKS])
@pytest.mark.parametrize(
    "behave",
    [
        saying({}, 404),
        saying({}, 500),
        saying(b"<html>"),
        saying(b"null"),
        saying(b"{" * 100_000),
        saying(b'{"issuer": "' + b"x" * 300_000 + b'"}'),
        packed,
        redirecting(JWKS),
        redirecting("http://169.254.169.254/latest/meta-data"),
    ],
)
async def test_what_is_no_answer_of_a_provider_is_none(running: Provider, path: str, behave: Any) -> None:
    running.behaviours[path] = behave

    with pytest.raises(ProviderAway, match="The provider of single sign-on does not answer as it should"):
        await ours(running).address_of(new_flow())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("issuer", "https://evil.example"),
        ("issuer", None),
        ("authorization_endpoint", "javascript:alert(1)"),
        ("authorization_endpoint", "http://login.example.com/authorize"),
        ("authorization_endpoint", 'https://login.example.com/"><script>'),
        ("authorization_endpoint", "https://login.example.com/;url=https://evil.example"),
        ("authorization_endpoint", "https://user@login.example.com/"),
        ("token_endpoint", "file:///etc/passwd"),
        ("token_endpoint", "http://10.0.0.1/token"),
        ("jwks_uri", ["https://login.example.com"]),
        ("jwks_uri", None),
    ],
)
async def test_addresses_that_a_provider_cannot_have_are_not_gone_to(
    running: Provider, name: str, value: object
) -> None:
    running.discovery[name] = value

    with pytest.raises(ProviderAway):
        await ours(running).address_of(new_flow())


async def test_a_provider_that_does_not_answer_is_let_alone_for_five_seconds(running: Provider) -> None:
    clock = Clock()
    one = ours(running, clock)
    running.behaviours[DISCOVERY] = saying({}, 503)

    answers = await asyncio.gather(*(one.address_of(new_flow()) for _ in range(5)), return_exceptions=True)
    asked = list(running.asked)
    running.behaviours.clear()
    clock.now += 5

    assert [type(answer) for answer in answers] == [ProviderAway] * 5
    assert asked == [DISCOVERY]
    assert await one.address_of(new_flow())


async def test_keys_are_read_anew_for_one_that_is_unknown_at_most_once_a_minute(running: Provider) -> None:
    clock = Clock()
    one = ours(running, clock)
    await arrive(one, running)
    running.sign = with_the_other_key
    with pytest.raises(Unauthenticated, match="a key that the provider does not publish"):
        await arrive(one, running)
    running.jwks = published(OTHER_KEY)

    with pytest.raises(Unauthenticated):
        await arrive(one, running)
    clock.now += 60
    found = await arrive(one, running)

    assert found.subject == SUBJECT
    assert running.asked.count(JWKS) == 3


def with_the_other_key(claims: Claims) -> str:
    return jwt.encode({"alg": "RS256", "kid": "two"}, claims, OTHER_KEY, algorithms=["RS256"])


async def test_a_key_that_was_replaced_under_its_name_is_read_anew(running: Provider) -> None:
    one = ours(running)
    await arrive(one, running)
    running.sign = lambda claims: jwt.encode({"alg": "RS256"}, claims, OTHER_KEY, algorithms=["RS256"])
    running.jwks = published(OTHER_KEY)

    assert (await arrive(one, running)).subject == SUBJECT


@pytest.mark.parametrize(
    ("answer", "status", "error", "sentence"),
    [
        ({"error": "invalid_client"}, 401, Unauthenticated, "RECURO_OIDC_CLIENT_ID with RECURO_OIDC_CLIENT"),
        ({"error": "invalid_grant"}, 400, Unauthenticated, "the code of this sign-in for none of its own"),
        ({"error": f"no {SECRET}"}, 400, Unauthenticated, "the code of this sign-in for none of its own"),
        ({"error": 7}, 302, Unauthenticated, "the code of this sign-in for none of its own"),
        ({"error": "server_error"}, 503, ProviderAway, "does not answer as it should"),
        ({"access_token": "x"}, 200, Unauthenticated, "there is no ID token in it"),
        ({"id_token": "x"}, 200, Unauthenticated, "there is no ID token in it"),
    ],
)
async def test_a_code_that_gets_no_tokens_is_told_apart(
    running: Provider, answer: Claims, status: int, error: type[Exception], sentence: str
) -> None:
    running.behaviours["/token"] = saying(answer, status)

    with structlog.testing.capture_logs() as logged, pytest.raises(error, match=sentence) as raised:
        await arrive(ours(running), running)

    assert SECRET not in f"{raised.value}{logged}"


async def test_a_client_without_a_secret_shows_the_verifier_alone(running: Provider) -> None:
    seen: list[tuple[str | None, bytes]] = []

    def note(request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        seen.append((request.headers["Authorization"], body))
        saying({"error": "invalid_grant"}, 400)(request)

    running.behaviours["/token"] = note

    with pytest.raises(Unauthenticated):
        await arrive(ours(running, oidc_client_secret=None), running)

    ((authorization, body),) = seen
    assert authorization is None
    assert b"client_id=recuro" in body
    assert b"client_secret" not in body
    assert b"code_verifier=verifier" in body


async def test_a_provider_that_takes_the_secret_in_the_form_alone_gets_it_there(running: Provider) -> None:
    running.discovery["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    seen: list[bytes] = []

    def note(request: BaseHTTPRequestHandler) -> None:
        seen.append(request.rfile.read(int(request.headers["Content-Length"])))
        saying({"error": "invalid_grant"}, 400)(request)

    running.behaviours["/token"] = note

    with pytest.raises(Unauthenticated):
        await arrive(ours(running), running)

    assert b"client_secret=of+the+client" in seen[0]


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("RS256", RSAKey.generate_key(2048)),
        ("PS384", RSAKey.generate_key(2048)),
        ("ES256", ECKey.generate_key("P-256")),
        ("ES384", ECKey.generate_key("P-384")),
        ("EdDSA", OKPKey.generate_key("Ed25519")),
    ],
)
def test_a_provider_may_sign_with_any_key_that_it_alone_has(
    algorithm: str, key: RSAKey | ECKey | OKPKey
) -> None:
    keys = id_tokens.keys_of({"keys": [key.as_dict(private=False)]})

    said = id_tokens.verified(token_of({"alg": algorithm}, key), keys, expected(), NOW)

    assert said["sub"] == SUBJECT


def expected() -> Expected:
    return Expected("https://login.example.com", CLIENT, "nonce", "access")


def token_of(head: dict[str, Any], key: Any) -> str:
    now = int(NOW.timestamp())
    claims = {"iss": "https://login.example.com", "sub": SUBJECT, "aud": CLIENT, "nonce": "nonce"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        return jwt.encode(head, claims | {"iat": now, "exp": now + 60}, key, algorithms=[head["alg"]])


def test_of_several_keys_the_token_has_to_say_which() -> None:
    keys = id_tokens.keys_of(published(KEY, OTHER_KEY))

    with pytest.raises(Untrusted, match="does not say with which of the keys"):
        id_tokens.verified(token_of({"alg": "RS256"}, KEY), keys, expected(), NOW)
    assert id_tokens.verified(token_of({"alg": "RS256", "kid": "one"}, KEY), keys, expected(), NOW)


def test_it_is_too_old_a_minute_after_its_end() -> None:
    keys = id_tokens.keys_of(published(KEY))
    token = token_of({"alg": "RS256"}, KEY)

    assert id_tokens.verified(token, keys, expected(), NOW + timedelta(seconds=119))
    with pytest.raises(Untrusted, match="too old"):
        id_tokens.verified(token, keys, expected(), NOW + timedelta(seconds=120))


def test_what_is_no_key_to_sign_with_is_passed_over() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)
        short = RSAKey.generate_key(1024).as_dict(private=False)
    rows: list[Any] = [
        OctKey.generate_key(256).as_dict(),
        short,
        {**KEY.as_dict(private=False), "use": "enc"},
        {"kty": "RSA", "n": "!", "e": "AQAB"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": ["RSA"]},
        {"kty": "strange"},
        "no key",
        None,
    ]

    assert id_tokens.keys_of({"keys": rows}) == ()
    assert id_tokens.keys_of({"keys": "none"}) == ()
    assert id_tokens.keys_of({}) == ()
    assert [key.kid for key in id_tokens.keys_of({"keys": [*rows, *published(KEY)["keys"]]})] == ["one"]


@pytest.mark.parametrize(
    ("issuer", "claims", "is_verified"),
    [
        ("https://login.microsoftonline.com/a-tenant/v2.0", {"xms_edov": True}, True),
        ("https://login.microsoftonline.com/a-tenant/v2.0", {"xms_edov": "1"}, True),
        ("https://login.microsoftonline.com/a-tenant/v2.0", {"xms_edov": False}, False),
        ("https://login.microsoftonline.com/a-tenant/v2.0", {"xms_edov": 1, "email_verified": False}, False),
        ("https://login.microsoftonline.com/a-tenant/v2.0", {}, False),
        ("https://login.microsoftonline.com.evil.example/v2.0", {"xms_edov": True}, False),
        ("https://login.example.com", {"email_verified": True}, True),
        ("https://login.example.com", {"email_verified": "true"}, True),
        ("https://login.example.com", {"email_verified": "yes"}, False),
    ],
)
def test_whether_an_address_is_verified(issuer: str, claims: Claims, is_verified: bool) -> None:
    assert provider._is_verified(claims, issuer) is is_verified


GOOGLE = "https://accounts.google.com"


@pytest.mark.parametrize(
    ("issuer", "domain", "organisation", "is_of_it"),
    [
        (GOOGLE, "example.com", "example.com", True),
        (GOOGLE, "example.com", "EXAMPLE.com", True),
        (GOOGLE, "example.com", None, False),
        (GOOGLE, "example.com", "example.org", False),
        (GOOGLE, "example.com", ["example.com"], False),
        (GOOGLE, "gmail.com", None, True),
        (GOOGLE, "googlemail.com", None, False),
        (GOOGLE, "evil.gmail.com", None, False),
        ("https://login.example.com", "example.com", None, True),
    ],
)
def test_whether_an_account_is_of_the_organisation_of_its_address(
    issuer: str, domain: str, organisation: object, is_of_it: bool
) -> None:
    identity = Identity(issuer, SUBJECT, f"ada@{domain}", True, "Ada", organisation)

    assert provider.is_of_organisation(identity, domain) is is_of_it
