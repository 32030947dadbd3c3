"""What the gateway answers before it knows the caller: its server has bounds."""

import pytest

from tests.mcp.clients import Gateway
from tests.runtime.wires import HALF, wire_to

MEBIBYTE = 1 << 20


@pytest.mark.parametrize(("begin", "status"), [(b"GET /", 414), (HALF, 431)])
async def test_a_header_without_end_is_refused_as_json_rpc(
    gateway: Gateway, begin: bytes, status: int
) -> None:
    async with wire_to(gateway.port) as wire:
        await wire.send(begin + b"a" * 65_536)
        answer = await wire.answer()
        sent = await wire.pour(b"a" * MEBIBYTE, 100 * MEBIBYTE)

    assert answer.status == status
    assert answer.body["error"]["message"].endswith("bytes")
    assert sent < 20 * MEBIBYTE
