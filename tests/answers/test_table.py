"""What our client makes of every odd answer of the table."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.answers import ours
from tests.answers.rows import HEAD, TWO, Refused, Row, Taken, taken
from tests.answers.server import Server
from tests.answers.table import ROWS

PLAIN = taken("the next request", HEAD + TWO)


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server((*ROWS, PLAIN), tmp_path_factory.mktemp("answers")) as running:
        yield running


@pytest.fixture
def certificate(server: Server) -> Path:
    return server.certificate


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
async def test_an_odd_answer_is_read_as_the_table_says(row: Row, server: Server, certificate: Path) -> None:
    async with ours.sender(certificate) as sender:
        verdict = ours.verdict(await sender.send(ours.request(row, server.url(row))))

    match row.ours:
        case Taken(status, body, is_truncated, shows):
            assert (verdict.refusal, verdict.status) == ("", status)
            assert body is None or (verdict.body, verdict.is_truncated) == (body, is_truncated)
            assert shows is None or shows in verdict.headers
        case Refused(status, says):
            assert verdict.refusal, f"taken: {verdict}"
            assert verdict.status == status
            assert re.search(says, verdict.refusal)


@pytest.mark.parametrize("row", [row for row in ROWS if not row.is_encrypted], ids=lambda row: row.name)
async def test_what_follows_an_odd_answer_is_never_the_next_one(
    row: Row, server: Server, certificate: Path
) -> None:
    async with ours.sender(certificate) as sender:
        await sender.send(ours.request(row, server.url(row)))

        verdict = ours.verdict(await sender.send(ours.request(PLAIN, server.url(PLAIN))))

    assert verdict.told == (200, "ok")
