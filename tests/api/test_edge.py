"""What the API says before it knows who calls: the door's server is the bounded one."""

from urllib.parse import urlsplit

import pytest

from tests.serving.wires import HALF, wire_to

MEBIBYTE = 1 << 20


@pytest.mark.parametrize(("begin", "status"), [(b"GET /", 414), (HALF, 431)])
async def test_a_header_without_end_is_refused_as_an_error_of_the_api(
    api: str, begin: bytes, status: int
) -> None:
    async with wire_to(urlsplit(api).port or 0) as wire:
        await wire.send(begin + b"a" * 65_536)
        answer = await wire.answer()
        sent = await wire.pour(b"a" * MEBIBYTE, 100 * MEBIBYTE)

    assert (answer.status, list(answer.body)) == (status, ["error"])
    assert sent < 20 * MEBIBYTE
