import pytest
from pydantic import ValidationError

from shared.settings import Settings, load, unknown
from shared.store import connection

WRONG_REDIS_URLS = [
    "",
    "127.0.0.1:6379",
    "http://redis.example:6379",
    "redis+sentinel://redis.example:26379",
    "REDIS://redis.example",
    "redis:///0",
    "redis://:hidden@:6379/0",
    "redis://:hid/den@redis.example:6379/0",
    "redis://:hid?den@redis.example:6379/0",
    "redis://:hid#den@redis.example:6379/0",
    "redis://:hid den@redis.example:6379/0",
    "redis://:hid\nden@redis.example:6379/0",
    "redis://:hid[den@redis.example:6379/0",
    "redis://:hidden@[::1:6379/0",
    "redis://:hidden@redis.example:port/0",
    "redis://:hidden@redis.example:0/0",
    "redis://:hidden@redis.example:70000/0",
    "redis://:hidden@redis.example:6379/jobs",
    "redis://:hidden@redis.example:6379/0/1",
    "redis://:hidden@redis.example:6379/-1",
    "redis://:hidden@redis.example:6379?db=first",
    "redis://:hidden@redis.example:6379?family=0",
    "redis://:hidden@redis.example:6379?socket_timeout=99",
    "redis://:hidden@redis.example:6379?decode_responses=no",
    "redis://:hidden@redis.example:6379?ssl_cert_reqs=none",
    "rediss://:hidden@redis.example:6379?ssl_cert_reqs=sometimes",
    "unix://redis.sock",
    "unix://",
]


@pytest.mark.parametrize(
    ("text", "ports"),
    [("", ()), ("443", ((443, 443),)), (" 80, 8000-8999 ,", ((80, 80), (8000, 8999)))],
)
def test_ports_are_read_with_their_ranges(
    monkeypatch: pytest.MonkeyPatch, text: str, ports: tuple[tuple[int, int], ...]
) -> None:
    monkeypatch.setenv("RECURO_EGRESS_PORTS", text)

    assert load().egress_ports == ports


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("EGRESS_PORTS", "http"),
        ("EGRESS_PORTS", "9-8"),
        ("EGRESS_PORTS", "1-70000"),
        ("EGRESS_ALLOW", "10.0.0.1/8"),
        ("TRUSTED_PROXIES", "proxy.example.com"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,0.0.0.0/0"),
        ("TRUSTED_PROXIES", "::/0"),
        ("TRUSTED_PROXIES", "0.0.0.0/1,128.0.0.0/1"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,8000::/1,0.0.0.0/2,::/2,64.0.0.0/2,4000::/2"),
        ("ENCRYPTION_KEY", "short"),
        ("ENCRYPTION_KEY", "a-key-of-more-than-thirty-two-letters,"),
        ("EGRESS_PROXY", "socks5://proxy.example:1080"),
        ("EGRESS_PROXY", "http://"),
        ("EGRESS_PROXY", "http://me:hidden#hidden@proxy.example:1080"),
        ("EGRESS_PROXY", "http://me:hidden/hidden@proxy.example:1080"),
        ("EGRESS_PROXY", "http://me:hidden@hidden@proxy.example:1080"),
        ("EGRESS_PROXY", "http://me:hidden@proxy.example:0"),
        ("EGRESS_PROXY", "http://me:hidden@proxy.example:65536"),
        ("EGRESS_PROXY", "http://me:hidden@[::1:1080"),
        ("PUBLIC_URL", "recuro.example.com"),
        ("SMTP_SECURITY", "ssl"),
        ("SMTP_PORT", "70000"),
        *(("REDIS_URL", url) for url in WRONG_REDIS_URLS),
    ],
)
def test_a_wrong_setting_ends_the_start_with_a_line_that_names_it(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(f"RECURO_{variable}", value)

    with pytest.raises(SystemExit, match=f"RECURO_{variable} is wrong") as ending:
        load()

    assert "\n" not in str(ending.value)
    assert "hid" not in str(ending.value)
    with pytest.raises(ValidationError):
        Settings()


@pytest.mark.parametrize(
    "url",
    [
        "redis://redis.example",
        "redis://redis.example:6379",
        "redis://redis.example:6379/0",
        "redis://user:hid%2Fden@redis.example:6379/15?client_name=recuro",
        "redis://:hid@den:x@redis.example/",
        "redis://[::1]:6379/0",
        "rediss://:hidden@redis.example:6380/0?ssl_cert_reqs=none&ssl_check_hostname=false",
        "rediss://redis.example?ssl_ca_certs=/etc/ca.pem&db=3",
        "unix:///run/redis.sock",
        "unix://:hidden@/run/redis.sock?db=2",
    ],
)
async def test_a_redis_url_that_passes_is_one_that_the_client_takes(url: str) -> None:
    redis = connection.connect(Settings(redis_url=url))

    assert redis.connection_pool.make_connection() is not None  # type: ignore[no-untyped-call]


OIDC = {
    "OIDC_ISSUER": "https://login.example.com/realms/main",
    "OIDC_CLIENT_ID": "recuro",
    "PUBLIC_URL": "https://recuro.example",
}


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"OIDC_CLIENT_ID": ""}, "RECURO_OIDC_CLIENT_ID is missing, which RECURO_OIDC_ISSUER needs"),
        ({"OIDC_ISSUER": ""}, "RECURO_OIDC_ISSUER is missing, which RECURO_OIDC_CLIENT_ID needs"),
        ({"PUBLIC_URL": ""}, "RECURO_PUBLIC_URL is missing, which RECURO_OIDC_ISSUER needs"),
        (
            {"OIDC_ISSUER": "", "OIDC_CLIENT_ID": "", "OIDC_CLIENT_SECRET": "hidden"},
            "RECURO_OIDC_ISSUER is missing, which RECURO_OIDC_CLIENT_SECRET needs",
        ),
        (
            {"OIDC_ISSUER": "", "OIDC_CLIENT_ID": "", "OIDC_TEAM": "shop"},
            "RECURO_OIDC_ISSUER is missing, which RECURO_OIDC_TEAM needs",
        ),
        ({"OIDC_ISSUER": "http://login.example.com"}, "RECURO_OIDC_ISSUER is wrong: must be the issuer as"),
        ({"OIDC_ISSUER": "https://login.example.com?x=1"}, "RECURO_OIDC_ISSUER is wrong: must be the issuer"),
        ({"OIDC_ISSUER": "https://a:b@login.example.com"}, "RECURO_OIDC_ISSUER is wrong: must be the issuer"),
        ({"OIDC_ISSUER": "login.example.com"}, "RECURO_OIDC_ISSUER is wrong: must be the issuer as"),
        ({"OIDC_SCOPES": "email profile"}, "RECURO_OIDC_SCOPES is wrong: must be scopes with blanks between"),
        ({"OIDC_DOMAINS": "example.com,@example.org"}, "RECURO_OIDC_DOMAINS is wrong: must be domains, as"),
        ({"OIDC_NAME": ""}, "RECURO_OIDC_NAME is wrong: String should have at least 1 character"),
    ],
)
def test_single_sign_on_is_set_as_a_whole_or_not_at_all(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], line: str
) -> None:
    for name, value in (OIDC | given).items():
        monkeypatch.setenv(f"RECURO_{name}", value)

    with pytest.raises(SystemExit) as ended:
        load()

    assert str(ended.value).startswith(line)
    assert "hidden" not in str(ended.value)


@pytest.mark.parametrize(
    "issuer",
    [
        "https://accounts.google.com",
        "https://login.microsoftonline.com/2d3b6a0e-0000-4000-8000-000000000000/v2.0",
        "https://authentik.example.com/application/o/recuro/",
        "http://localhost:9400",
        "http://[::1]:9400",
    ],
)
def test_the_settings_of_single_sign_on_are_taken_as_they_are(
    monkeypatch: pytest.MonkeyPatch, issuer: str
) -> None:
    given = {
        "OIDC_ISSUER": issuer,
        "OIDC_DOMAINS": " Example.com, example.org ,",
        "OIDC_CLIENT_SECRET": "x\n",
    }
    for name, value in (OIDC | given).items():
        monkeypatch.setenv(f"RECURO_{name}", value)

    found = load()

    assert (found.oidc_issuer, found.oidc_domains) == (issuer, ("example.com", "example.org"))
    assert found.oidc_client_secret
    assert found.oidc_client_secret.get_secret_value() == "x"


def test_variables_that_nothing_reads_are_named_with_what_was_probably_meant() -> None:
    found = unknown(
        {
            "RECURO_SMTP_PASWORD": "hidden",
            "recuro_api_port": "1",
            "RECURO_API_TOKEN": "hidden",
            "RECURO_ZZZ": "",
            "PATH": "/bin",
        }
    )

    assert found == {"RECURO_SMTP_PASWORD": "RECURO_SMTP_PASSWORD", "RECURO_ZZZ": None}


def test_an_empty_user_and_password_of_the_mail_server_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECURO_SMTP_USER", "")
    monkeypatch.setenv("RECURO_SMTP_PASSWORD", "")

    assert (load().smtp_user, load().smtp_password) == (None, None)


def test_secrets_are_read_without_the_blanks_around_them(monkeypatch: pytest.MonkeyPatch) -> None:
    key = 32 * "k"
    monkeypatch.setenv("RECURO_ENCRYPTION_KEY", f"{key}, {key[::-1]}\n")
    monkeypatch.setenv("RECURO_BOOTSTRAP_TOKEN", "the-first-teams-token\n")

    settings = load()

    assert settings.encryption_key is not None
    assert settings.bootstrap_token is not None
    assert settings.encryption_key.get_secret_value() == f"{key},{key[::-1]}"
    assert settings.bootstrap_token.get_secret_value() == "the-first-teams-token"


@pytest.mark.parametrize("token", ["short", "with a blank in its middle", "with-an-ümlaut-in-it", 201 * "x"])
def test_a_bootstrap_token_that_no_header_could_carry_is_refused(
    monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("RECURO_BOOTSTRAP_TOKEN", token)

    with pytest.raises(SystemExit, match="RECURO_BOOTSTRAP_TOKEN is wrong: must be 16 to 200"):
        load()
