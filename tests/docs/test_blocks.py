"""Every code block of the README and the pages is run by a test, or stands in a short list with the reason."""

import pytest

from tests.docs.blocks import NOT_RUN, ROOT, RUN_BY, SHELL, Block, blocks, key_of

BLOCKS = list(blocks())


@pytest.mark.parametrize("block", BLOCKS, ids=lambda one: f"{one.page}-{one.language}-{one.number}")
def test_a_block_is_run_or_it_is_said_why_not(block: Block) -> None:
    is_listed = key_of(block) in NOT_RUN
    is_run = (block.page, block.language) in RUN_BY or (
        block.language in SHELL and block.page.startswith("docs/")
    )

    assert is_run or is_listed, "run it in a test, and name that in tests/docs/blocks.py"


def test_what_is_listed_is_there() -> None:
    there = {key_of(block) for block in BLOCKS}

    assert NOT_RUN.keys() <= there
    assert RUN_BY.keys() <= {(page, language) for page, language, _ in there}


@pytest.mark.parametrize(("page", "test"), sorted({(page, test) for (page, _), test in RUN_BY.items()}))
def test_what_runs_blocks_reads_their_page(page: str, test: str) -> None:
    assert page.rpartition("/")[2] in (ROOT / test).read_text()
