import pytest
from pydantic import ValidationError

from shared.settings import Settings, load


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
    ],
)
def test_a_wrong_setting_ends_the_start_with_a_line_that_names_it(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(f"RECURO_{variable}", value)

    with pytest.raises(SystemExit, match=f"RECURO_{variable} is wrong") as ending:
        load()

    assert "\n" not in str(ending.value)
    with pytest.raises(ValidationError):
        Settings()
