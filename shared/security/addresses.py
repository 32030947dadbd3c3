"""Which addresses a request may be sent to: URLs are parsed, addresses and ports checked."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from shared.schemas.runs import FailureReason

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# The IANA special-purpose registries, written out: `ipaddress` changed its mind between patch releases.
_NOT_PUBLIC_V4 = tuple(
    IPv4Network(block)
    for block in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
)
_PUBLIC_V6 = IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
_CARRY_V4 = tuple(map(IPv6Network, ("::ffff:0:0/96", "64:ff9b::/96")))  # v4-mapped, NAT64
METADATA = "a cloud metadata address"
_METADATA = frozenset(
    ip_address(address)
    for address in (
        *("169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "192.0.0.192"),
        *("168.63.129.16", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42"),
    )
)

# No HTTP request is for these: the bad ports of the Fetch standard, and common stores and queues. Some of
# them execute the lines of an HTTP request as commands.
_BAD_PORTS = frozenset(
    (
        *(
            1,
            7,
            9,
            11,
            13,
            15,
            17,
            19,
            20,
            21,
            22,
            23,
            25,
            37,
            42,
            43,
            53,
            69,
            77,
            79,
            87,
            95,
            101,
            102,
            103,
            104,
        ),
        *(
            109,
            110,
            111,
            113,
            115,
            117,
            119,
            123,
            135,
            137,
            139,
            143,
            161,
            179,
            389,
            427,
            445,
            465,
            512,
            513,
            514,
        ),
        *(
            515,
            526,
            530,
            531,
            532,
            540,
            548,
            554,
            556,
            563,
            587,
            601,
            636,
            989,
            990,
            993,
            995,
            1719,
            1720,
            1723,
        ),
        *(2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080),
        *(1433, 1521, 3306, 3389, 5432, 5672, 6379, 9042, 11211, 27017),
    )
)


class Refusal(Exception):
    """The request is not sent; `str()` is a sentence for its owner."""

    reason = FailureReason.UNKNOWN


class InvalidUrl(Refusal):
    reason = FailureReason.INVALID_URL


class BlockedAddress(Refusal):
    reason = FailureReason.BLOCKED_ADDRESS


@dataclass(frozen=True, slots=True)
class Policy:
    """Public addresses and those in `allow`; the ranges of `ports`, or all ports but the bad ones."""

    allow: tuple[Network, ...] = ()
    ports: tuple[tuple[int, int], ...] = ()

    def judge(self, address: Address) -> str | None:
        """None if connecting to the address is allowed, else the reason why not."""
        if isinstance(address, IPv6Address):
            if address.scope_id is not None:
                return "an address with a zone id"
            if any(address in network for network in _CARRY_V4):
                address = IPv4Address(int(address) & 0xFFFF_FFFF)  # the one that is really connected to
        if address in _METADATA:  # a wide block, such as 0.0.0.0/0, does not open these
            named = any(network.num_addresses == 1 and address in network for network in self.allow)
            return None if named else METADATA
        if _is_public(address) or any(address in network for network in self.allow):
            return None
        return "an address that is not public"

    def check_port(self, port: int) -> None:
        """Raises BlockedAddress if nothing may be sent to the port."""
        if self.ports and not any(first <= port <= last for first, last in self.ports):
            raise BlockedAddress(f"The URL's port {port} is not among RECURO_EGRESS_PORTS.")
        if not self.ports and port in _BAD_PORTS:
            raise BlockedAddress(
                f"The URL's port {port} is not one for HTTP; the egress policy does not allow it. "
                "To call it, name it in RECURO_EGRESS_PORTS of every service."
            )

    def check(self, address: Address, subject: str) -> None:
        """Raises BlockedAddress if connecting to the address is not allowed."""
        if reason := self.judge(address):
            what = "it alone, by its address," if reason == METADATA else "its network"
            raise BlockedAddress(
                f"{subject} {reason}; the egress policy does not allow it. "
                f"To call it, name {what} in RECURO_EGRESS_ALLOW of every service."
            )


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_V4)
    return address in _PUBLIC_V6 and not any(address in network for network in _NOT_PUBLIC_V6)
