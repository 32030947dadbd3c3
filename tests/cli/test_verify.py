import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from services.cli.verify import RECURO, STANDARD, judge
from shared.security import signing
from shared.security.differences import Arrived

SECRET, OTHER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + "A" * 32
NOW, BODY = 1_790_000_000, b'{"n":1}'
COMMAND = Path(sys.executable).parent / "recuro"


def arrived(body: bytes = BODY, *, signs: bytes = BODY, secrets: tuple[str, ...] = (SECRET,)) -> Arrived:
    """A request that signs one body and arrives with another."""
    return Arrived(lower(signing.headers_of(secrets, "job-1-1", signs, NOW)), body)


def lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def without(header: str) -> Arrived:
    whole = arrived()
    return Arrived({name: value for name, value in whole.headers.items() if name != header}, whole.body)


def reasons(
    request: Arrived, *, secret: str = SECRET, now_seconds: float = NOW
) -> dict[str, tuple[str, ...]]:
    return {verdict.scheme: verdict.against for verdict in judge(secret, request, now_seconds)}


def test_what_we_signed_is_found_good_by_both_schemes() -> None:
    assert reasons(arrived(), now_seconds=NOW + 300) == {RECURO: (), STANDARD: ()}


def test_during_a_rotation_either_secret_is_good() -> None:
    rotated = arrived(secrets=(OTHER, SECRET))

    assert reasons(rotated) == reasons(rotated, secret=OTHER) == {RECURO: (), STANDARD: ()}


@pytest.mark.parametrize(
    ("request_", "secret", "now", "said"),
    [
        (arrived(), SECRET, NOW + 301, "is 301 s old; 300 s are allowed"),
        (arrived(), SECRET, NOW - 400, "is 400 s in the future"),
        (arrived(), OTHER, NOW, "another secret"),
        (arrived(b'{"n":2}'), SECRET, NOW, "a body or timestamp that changed"),
        (arrived(BODY + b"\n"), SECRET, NOW, "without the newline at its end"),
        (arrived(b"a", signs=b"a\n"), SECRET, NOW, "with a newline at its end"),
        (arrived(b"a\r\nb", signs=b"a\nb"), SECRET, NOW, "with LF instead of CR LF"),
        (arrived(b"\xef\xbb\xbf{}", signs=b"{}"), SECRET, NOW, "without the byte order mark"),
        (arrived(b'{ "n": 1 }'), SECRET, NOW, "as compact JSON"),
    ],
)
def test_each_scheme_says_why_not(request_: Arrived, secret: str, now: float, said: str) -> None:
    found = reasons(request_, secret=secret, now_seconds=now)

    assert set(found) == {RECURO, STANDARD}
    for against in found.values():
        assert len(against) == 1
        assert said in against[0]


@pytest.mark.parametrize(
    ("header", "scheme"),
    [
        ("x-recuro-timestamp", RECURO),
        ("x-recuro-signature", RECURO),
        ("webhook-id", STANDARD),
        ("webhook-timestamp", STANDARD),
        ("webhook-signature", STANDARD),
    ],
)
def test_a_missing_header_is_named(header: str, scheme: str) -> None:
    (reason,) = reasons(without(header))[scheme]

    assert header in reason.lower()
    assert "missing" in reason


@pytest.mark.parametrize(
    ("header", "value", "said"),
    [
        ("x-recuro-timestamp", "yesterday", "not a number of seconds"),
        ("x-recuro-signature", "AB" * 32, "64 lower-case hexadecimal digits"),
        ("x-recuro-signature", "ab", "64 lower-case hexadecimal digits"),
        ("webhook-signature", "v2,abc", "no signature of version 1"),
    ],
)
def test_a_header_of_the_wrong_form_is_named(header: str, value: str, said: str) -> None:
    request = Arrived({**arrived().headers, header: value}, BODY)

    assert said in " ".join(" ".join(against) for against in reasons(request).values())


def test_a_signature_with_the_decoded_secret_is_recognised() -> None:
    import hmac

    wrong = hmac.digest(signing.decoded(SECRET), f"{NOW}.".encode() + BODY, "sha256").hex()
    request = Arrived({"x-recuro-timestamp": str(NOW), "x-recuro-signature": wrong}, BODY)

    assert "decoded secret" in reasons(request)[RECURO][0]


def recuro_verify(
    *arguments: str, body: bytes = BODY, secret: str = SECRET
) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "RECURO_SIGNING_SECRET": secret}
    command = [str(COMMAND), "verify", *arguments]
    return subprocess.run(command, input=body, env=environment, capture_output=True, timeout=120, check=False)


def test_the_command_distinguishes_good_from_bad(tmp_path: Path) -> None:
    import time

    headers = signing.headers_of([SECRET], "job-1-1", BODY, int(time.time()))
    given = [part for name, value in headers.items() for part in ("--header", f"{name}: {value}")]
    (tmp_path / "body").write_bytes(BODY)

    good = recuro_verify(*given, "--body", str(tmp_path / "body"))
    bad = recuro_verify(*given, body=b"{}")

    assert (good.returncode, good.stdout.split()[0]) == (0, b"ok")
    assert (bad.returncode, bad.stdout.split()[0]) == (1, b"FAIL")
    assert SECRET.encode() not in good.stdout + bad.stdout + bad.stderr


@pytest.mark.parametrize(
    ("arguments", "secret", "code", "said"),
    [
        ((), SECRET, 1, b"neither X-Recuro-Signature nor webhook-signature"),
        ((), "", 2, b"RECURO_SIGNING_SECRET"),
        ((), "whsec_!", 2, b"not whsec_ and base64"),
        (("--header", "nonsense"), SECRET, 2, b"has no colon"),
        (("--body", "/nowhere/body"), SECRET, 2, b"/nowhere/body cannot be read"),
    ],
)
def test_wrong_use_is_said(arguments: tuple[str, ...], secret: str, code: int, said: bytes) -> None:
    answer = recuro_verify(*arguments, secret=secret)

    assert answer.returncode == code
    assert said in answer.stdout + answer.stderr
