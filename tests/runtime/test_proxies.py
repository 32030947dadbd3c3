"""Who called, as a proxy of the operator says it, and nobody else."""

import contextlib
from ipaddress import ip_network

import pytest

from shared.runtime.serving.bounds import Bounds
from shared.runtime.serving.proxies import MOST_HOPS, Proxies
from tests.runtime.wires import GET, Wire, serving, wire_to

PROXIES = Proxies((ip_network("10.0.0.0/8"), ip_network("2001:db8:1::/48")))
MANY = 40


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ([], "10.0.0.1"),
        (["192.0.2.7"], "192.0.2.7"),
        (["203.0.113.9", "192.0.2.7"], "192.0.2.7"),
        (["203.0.113.9", "192.0.2.7", "10.0.0.2"], "192.0.2.7"),
        (["10.0.0.3", "10.0.0.2"], "10.0.0.3"),
        (["192.0.2.7:4711"], "192.0.2.7"),
        (["2001:db8::7"], "2001:db8::7"),
        (["[2001:db8::7]"], "2001:db8::7"),
        (['"[2001:db8::7]:4711"'], "2001:db8::7"),
        (["::ffff:192.0.2.7"], "192.0.2.7"),
        (["fe80::1%eth0"], "fe80::1"),
        (["192.0.2.7", "2001:db8:1::2", "::ffff:10.0.0.2"], "192.0.2.7"),
        (["192.0.2.7", "unknown", "10.0.0.2"], "10.0.0.2"),
        (["192.0.2.7", "", "10.0.0.2"], "10.0.0.2"),
        (["_hidden"], "10.0.0.1"),
        (["192.0.2.7", "\xff<script>"], "10.0.0.1"),
        (["192.0.2.7", *MOST_HOPS * ["10.0.0.2"]], "10.0.0.2"),
    ],
)
def test_the_nearest_address_that_is_no_proxy_called(forwarded: list[str], client: str) -> None:
    assert PROXIES.client_of("10.0.0.1", forwarded) == client


def test_all_lines_of_the_header_are_one_list_and_the_last_scheme_counts() -> None:
    scope = {
        "client": ("10.0.0.1", 4711),
        "scheme": "http",
        "headers": [
            (b"x-forwarded-for", b"192.0.2.1, 192.0.2.2"),
            (b"x-forwarded-proto", b"http"),
            (b"x-forwarded-for", b"192.0.2.7 ,10.0.0.2"),
            (b"x-forwarded-proto", b"HTTPS"),
        ],
    }

    PROXIES.tell(scope)

    assert scope["client"] == ("192.0.2.7", 0)
    assert scope["scheme"] == "https"


@pytest.mark.parametrize("said", [b"", b"ftp", b"https, http", b"javascript:"])
def test_what_is_no_encrypted_way_leaves_the_scheme_as_it_is(said: bytes) -> None:
    scope = {"client": ("10.0.0.1", 1), "scheme": "http", "headers": [(b"x-forwarded-proto", said)]}

    PROXIES.tell(scope)

    assert scope["scheme"] == "http"


@pytest.mark.parametrize(
    ("peer", "is_one"), [("10.9.9.9", True), ("::ffff:10.0.0.1", True), ("11.0.0.1", False)]
)
def test_a_peer_is_a_proxy_by_its_address(peer: str, is_one: bool) -> None:
    assert PROXIES.trusts(peer) is is_one
    assert not Proxies().trusts(peer)


async def test_a_proxy_may_open_more_connections_than_an_address() -> None:
    proxies = Proxies((ip_network("127.0.0.2"),))
    with serving(Bounds(2 * MANY, 4), proxies=proxies) as port:
        async with contextlib.AsyncExitStack() as stack:
            held: dict[str, list[Wire]] = {"127.0.0.2": [], "127.0.0.3": []}
            for source, wires in held.items():
                for _ in range(MANY):
                    wire = await stack.enter_async_context(wire_to(port, source))
                    await wire.send(GET)
                    await wire.answer()
                    wires.append(wire)
            still = {source: sum(not one.reader.at_eof() for one in wires) for source, wires in held.items()}

    assert still["127.0.0.2"] == MANY
    assert still["127.0.0.3"] <= 4
