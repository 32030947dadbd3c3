"""The scripts of ours: small enough for a first page, and none needs what the policy of pages forbids."""

import gzip
import re

from services.api.pages.rendering import HERE

MOST_BYTES = 6 * 1024
OURS = ("pages.js", "live.js")


def test_together_they_are_small() -> None:
    sizes = [len(gzip.compress((HERE / "static" / name).read_bytes(), 9)) for name in OURS]

    assert sum(sizes) <= MOST_BYTES


def test_none_makes_code_of_text_or_sets_styles() -> None:
    for name in OURS:
        text = (HERE / "static" / name).read_text()
        assert not re.findall(
            r"\beval\(|new Function|\.style\b|setAttribute\(.(style|on)|document\.write", text
        )
