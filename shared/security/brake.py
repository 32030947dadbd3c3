"""How often somebody may guess a token: one budget for each address, and one for all of them together."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

BURST, A_SECOND = 20, 0.5
"""Wrong guesses of one address that pass without a delay, and how many a second after those."""
BURST_OF_ALL, OF_ALL_A_SECOND = 2_000, 50.0
ADDRESSES = 10_000
"""So many addresses are remembered; those seen longest ago are forgotten."""
IPV6_HOSTS = 64
"""Bits of an IPv6 address that its owner may choose."""


@dataclass(slots=True)
class _Budget:
    left: float
    at: float


class Brake:
    """Counts guesses in this process; one that turns out to be no guess is given back."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, burst: float = BURST, a_second: float = A_SECOND
    ) -> None:
        self._clock = clock
        self._burst, self._a_second = burst, a_second
        self._of_all = _Budget(BURST_OF_ALL, clock())
        self._budgets: OrderedDict[str, _Budget] = OrderedDict()

    def wait_seconds(self, address: str) -> float:
        """Take one guess from the budgets and return 0, or return the seconds until there is one again."""
        own = self._budget_of(address)
        wait = max(
            _wait(own, self._burst, self._a_second, self._clock()),
            _wait(self._of_all, BURST_OF_ALL, OF_ALL_A_SECOND, self._clock()),
        )
        if not wait:
            own.left -= 1
            self._of_all.left -= 1
        return wait

    def give_back(self, address: str) -> None:
        self._budget_of(address).left += 1
        self._of_all.left += 1

    def _budget_of(self, address: str) -> _Budget:
        network = _network(address)
        if network not in self._budgets and len(self._budgets) >= ADDRESSES:
            self._budgets.popitem(last=False)
        budget = self._budgets.setdefault(network, _Budget(self._burst, self._clock()))
        self._budgets.move_to_end(network)
        return budget


def _wait(budget: _Budget, burst: float, a_second: float, now: float) -> float:
    budget.left = min(burst, budget.left + (now - budget.at) * a_second)
    budget.at = now
    return 0.0 if budget.left >= 1 else (1 - budget.left) / a_second


def _network(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:  # a socket file, or a test
        return address
    if not isinstance(parsed, IPv6Address) or parsed.ipv4_mapped:
        return address
    return str(int(parsed) >> IPV6_HOSTS)
