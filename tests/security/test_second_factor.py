"""One-time codes and recovery codes."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest

from shared.security import second_factor

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""That of RFC 6238, appendix B."""


def test_the_codes_are_those_of_the_rfc() -> None:
    assert second_factor.step_of(SECRET, "287082", datetime(1970, 1, 1, 0, 0, 59, tzinfo=UTC)) == 1


@pytest.mark.parametrize(
    ("seconds", "is_right"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)]
)
def test_a_clock_may_be_a_step_off(seconds: int, is_right: bool) -> None:
    code = pyotp.TOTP(SECRET).at(NOON + timedelta(seconds=seconds))

    step = second_factor.step_of(SECRET, code, NOON)

    assert step == (NOON.timestamp() // 30 + seconds // 30 if is_right else None)


@pytest.mark.parametrize(
    "code", ["", "0", "abcdef", "\uff11\uff12\uff13\uff14\uff15\uff16", "12345678901234567890"]
)
def test_what_is_no_code_is_wrong(code: str) -> None:
    assert second_factor.step_of(SECRET, code, NOON) is None


def test_blanks_in_a_code_make_no_difference() -> None:
    code = pyotp.TOTP(SECRET).at(NOON)

    assert second_factor.step_of(SECRET, f" {code[:3]} {code[3:]} ", NOON) is not None


def test_an_app_reads_whose_secret_it_is() -> None:
    secret = second_factor.new_secret()

    parts = urlsplit(second_factor.address_of(secret, "ada+x@example.com"))

    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    assert unquote(parts.path) == "/Recuro:ada+x@example.com"
    assert parse_qs(parts.query) == {"secret": [secret], "issuer": ["Recuro"]}
    assert len(secret) == 32


def test_recovery_codes_are_ten_and_read_however_they_are_typed() -> None:
    codes = second_factor.new_recovery_codes()

    assert len({*codes}) == 10
    assert all(len(code) == 19 for code in codes)
    digest = second_factor.digest_of(codes[0])
    assert digest == second_factor.digest_of(codes[0].replace("-", " ").upper())
    assert digest != second_factor.digest_of(codes[1])
