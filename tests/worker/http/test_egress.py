"""The egress policy: forty spellings of nowhere, names that lead there, and sockets that do not open."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from ipaddress import ip_address, ip_network

import pytest

from services.worker.http.egress import NameNotFound, Resolver
from shared.security.addresses import BlockedAddress, InvalidUrl, Policy, Refusal
from shared.security.destinations import Destinations
from tests.poll import best_of_three

NOT_PUBLIC = """
    0.0.0.0 10.1.2.3 100.64.0.1 100.100.100.200 127.0.0.1 127.8.9.1 169.254.169.254 169.254.170.2
    168.63.129.16 172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1
    198.51.100.7 203.0.113.9 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 :: ::1 ::127.0.0.1
    ::ffff:10.0.0.1 ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1 64:ff9b::7f00:1
    64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1 2001:0:1::1 2001:db8::1 2002:7f00:1:: 3fff::1 5f00::1 fc00::1
    fd00:ec2::254 fe80::1 fec0::1 ff02::1 2606:4700::1%eth0
"""
PUBLIC = """
    8.8.8.8 93.184.216.34 100.128.0.1 172.32.0.1 2606:4700::1111 2a00:1450:4001::1 ::ffff:8.8.8.8
    64:ff9b::808:808
"""
NOWHERE = """
    http://127.0.0.1/ http://[::1]/ http://[::ffff:7f00:1]/ http://[::ffff:127.0.0.1]/ http://[fe80::1%25eth0]/
    http://169.254.169.254/latest/ http://2130706433/ http://0x7f000001/ http://0x7f.1/ http://127.1/ http://0/
    http://0177.0.0.1/ http://127.0.0.1.:80/ http://①②⑦.0.0.1/ http://127。0。0。1/ http://1.2.3.4.5/
    http://[64:ff9b::a9fe:a9fe]/ ftp://a.test/ file:///etc/passwd gopher://a.test/ javascript:x http:// http:///x
    http://user:pw@a.test/ http://a.test@127.0.0.1/ http://a.test:0/ http://a.test:99999/ http://a..test/
    http://-a.test/ http://a.test\\@127.0.0.1/ http://a.test/\r\nX:y http://a.te\x00st/
    http://[::1]x/ http://[127.0.0.1]/ http://[]/ http://a.test:+80/ http://a.test:\uff180/ http://a.test:80:80/
    http://a..ü.test/ http://℀.test/ http://a.test/\udc80 http:a.test http:/a.test
    //a.test/ a.test
    http://[::
"""
LOOPBACK = Policy((ip_network("127.0.0.0/8"),))


def names(**addresses: str) -> Callable[[str], Iterable[str]]:
    """A lookup that knows these hosts of `.test`, each with addresses apart by blanks."""

    def look_up(name: str) -> list[str]:
        if name not in known:
            raise OSError("no such name")
        return known[name]

    known = {f"{host}.test": found.split() for host, found in addresses.items()}
    return look_up


@asynccontextmanager
async def resolving(
    policy: Policy, look_up: Callable[[str], Iterable[str]], seconds: float = 5.0
) -> AsyncIterator[Resolver]:
    resolver = Resolver(policy, look_up, seconds=seconds)
    yield resolver
    await resolver.close()


@pytest.mark.parametrize("address", NOT_PUBLIC.split())
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert Policy().judge(ip_address(address)) is not None


@pytest.mark.parametrize("address", PUBLIC.split())
def test_a_public_address_is_allowed(address: str) -> None:
    assert Policy().judge(ip_address(address)) is None


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("10.2.0.1", False),
        ("169.254.1.1", True),
        ("169.254.169.254", False),
        ("168.63.129.16", True),
        ("fd12::1", True),
        ("fd00:ec2::254", False),
        ("fd12::1%eth0", False),
    ],
)
def test_the_operator_opens_blocks_but_metadata_only_by_its_own_address(address: str, allowed: bool) -> None:
    blocks = ("10.1.0.0/16", "169.254.0.0/16", "168.63.129.16/32", "fc00::/7")
    policy = Policy(tuple(map(ip_network, blocks)))

    assert (policy.judge(ip_address(address)) is None) == allowed


@pytest.mark.parametrize("url", [url.strip() for url in NOWHERE.split(" ") if url.strip()])
def test_a_url_that_leads_nowhere_is_refused(url: str) -> None:
    with pytest.raises(Refusal):
        Destinations(Policy())(url)


def test_a_number_is_no_host_even_if_its_address_is_allowed() -> None:
    with pytest.raises(InvalidUrl, match="number"):
        Destinations(LOOPBACK)("http://2130706433/")


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("HTTP://ExAmple.COM", "http://example.com/"),
        ("https://a.test:8443/p?q=1#part", "https://a.test:8443/p?q=1"),
        ("http://a.test/a%2Fb/../c?sig=a%2Bb%3D%3D&x=%7E", "http://a.test/a%2Fb/../c?sig=a%2Bb%3D%3D&x=%7E"),
        ("http://a.test?x=1", "http://a.test/?x=1"),
        ("http://bücher.test/ä", "http://xn--bcher-kva.test/%C3%A4"),
        ("http://a.test/100%", "http://a.test/100%25"),
        ("http://a.test/%2f%zz?q=ä|%7e", "http://a.test/%2f%25zz?q=%C3%A4%7C%7e"),
        ("http://a.test:/?", "http://a.test/?"),
        ("https://a.test:443//b", "https://a.test//b"),
        ("http://a.test:080/", "http://a.test/"),
        ("http://faß.test/", "http://xn--fa-hia.test/"),
        ("http://☃.test/", "http://xn--n3h.test/"),
        ("http://[2606:4700::1]:81/", "http://[2606:4700::1]:81/"),
    ],
)
def test_a_well_formed_url_is_sent_as_written(url: str, sent: str) -> None:
    assert str(Destinations(Policy())(url)) == sent


async def test_one_bad_address_refuses_the_whole_name() -> None:
    look_up = names(mixed="93.184.216.34 10.0.0.1", mapped="::ffff:127.0.0.1", zone="fe80::1%eth0")
    async with resolving(Policy(), look_up) as resolver:
        for name in ("mixed.test", "mapped.test", "zone.test"):
            with pytest.raises(BlockedAddress, match=name):
                await resolver.addresses(name)


async def test_good_addresses_are_given_in_the_order_found() -> None:
    async with resolving(Policy(), names(two="2606:4700::1 93.184.216.34")) as resolver:
        found = await resolver.addresses("two.test")

    assert [str(address) for address in found] == ["2606:4700::1", "93.184.216.34"]


async def test_requests_side_by_side_share_one_lookup_and_later_ones_its_answer() -> None:
    asked: list[str] = []

    def look_up(name: str) -> list[str]:
        asked.append(name)
        return ["93.184.216.34"]

    async with resolving(Policy(), look_up) as resolver:
        await asyncio.gather(*(resolver.addresses("a.test") for _ in range(20)))
        await resolver.addresses("a.test")

    assert asked == ["a.test"]


@pytest.mark.parametrize("found", [[], ["not an address"]])
async def test_a_name_without_a_usable_address_is_not_found(found: list[str]) -> None:
    async with resolving(Policy(), lambda name: found) as resolver:
        with pytest.raises(NameNotFound):
            await resolver.addresses("a.test")


@best_of_three
async def test_a_slow_lookup_ends_in_time_and_holds_up_no_other() -> None:
    answered = threading.Event()

    def look_up(name: str) -> list[str]:
        if name == "slow.test":
            answered.wait(10)
        return ["93.184.216.34"]

    async with resolving(Policy(), look_up, seconds=0.5) as resolver:
        both = (resolver.addresses("slow.test"), resolver.addresses("quick.test"))
        slow, quick = await asyncio.gather(*both, return_exceptions=True)
        answered.set()

    assert isinstance(slow, NameNotFound)
    assert "within 0.5 s" in str(slow)
    assert isinstance(quick, tuple)


async def test_the_waiter_of_a_lookup_may_go_while_others_wait_on() -> None:
    answered = threading.Event()

    def look_up(name: str) -> list[str]:
        answered.wait(10)
        return ["93.184.216.34"]

    async with resolving(Policy(), look_up) as resolver:
        leaver, stayer = (asyncio.create_task(resolver.addresses("a.test")) for _ in range(2))
        await asyncio.sleep(0)
        leaver.cancel()
        await asyncio.wait([leaver])
        answered.set()

        assert await stayer
