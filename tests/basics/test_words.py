"""Names as people mean them."""

import pytest

from shared.basics import words

FIELDS = ("name", "url", "cron_expression", "method", "headers", "payload", "callback_url", "timeout_seconds")


@pytest.mark.parametrize(
    ("text", "place", "is_found"),
    [
        ("health check", "Health-Check", True),
        ("check health", "HealthCheck", True),
        ("health_check", "health check", True),
        ("cafe", "Café", True),
        ("STRASSE", "Straße", True),
        ("v1 2", "v-12", True),
        ("health", "heal", False),
        ("health mail", "Health-Check", False),
        ("", "anything", True),
        ("--", "health-check", False),
        ("-", "health-check", True),
    ],
)
def test_a_text_is_found_by_its_letters_and_digits(text: str, place: str, is_found: bool) -> None:
    assert words.contains(text, place) is is_found


def test_words_may_be_in_different_places() -> None:
    assert words.contains("check example", "Health-Check", "https://example.com")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("Headers", "headers"),
        ("heders", "headers"),
        ("callback", "callback_url"),
        ("timeoutSeconds", "timeout_seconds"),
        ("timeout_ms", "timeout_seconds"),
        ("expression", "cron_expression"),
        ("body", "payload"),
        ("endpoint", "url"),
        ("colour", None),
        ("priority", None),
        ("", None),
        ("x" * 100_000, None),
    ],
)
def test_a_name_is_suggested_where_one_was_likely_meant(given: str, meant: str | None) -> None:
    assert words.nearest(given, FIELDS) == meant


@pytest.mark.parametrize(
    ("given", "name", "is_slip"),
    [
        ("webhook", "webhooks", True),
        ("webhoks", "webhooks", True),
        ("wehbooks", "webhooks", True),
        ("wabhooks", "webhooks", True),
        ("Web-Hooks", "webhooks", True),
        ("Größe", "grosse", True),
        ("webhooks", "webhooks", False),
        ("webhoo", "webhooks", False),
        ("hookswebs", "webhooks", False),
        ("shard-1", "shard-2", False),
        ("tenant-1", "tenant-12", False),
        ("a", "b", False),
        ("eu", "us", False),
        ("mail", "", False),
        ("", "", False),
    ],
)
def test_a_slip_is_one_letter_and_no_number(given: str, name: str, is_slip: bool) -> None:
    assert words.is_slip(given, name) == words.is_slip(name, given) == is_slip
