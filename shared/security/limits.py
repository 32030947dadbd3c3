"""What a token may do less than its scopes say: every interface asks here before it does something."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.errors import Forbidden, Invalid
from shared.schedule import policy
from shared.schedule.policy import Plan
from shared.schemas.accounts.tokens import SCOPES, TokenCreate, TokenLimits, host_of
from shared.security.destinations import origin_of

FIRES, SPAN = 100, timedelta(days=366)
"""So many fires of a cron are looked at, or those of a year."""
_SHOWN = 5
_MOST = ("calls_per_hour", "calls_per_day", "runs_per_hour", "runs_per_day")


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one token; a token without any has none of these."""

    given: TokenLimits
    most: tuple[int | None, ...] = field(init=False)
    """Calls an hour and a day, and runs."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "most", tuple(getattr(self.given, name) for name in _MOST))

    @property
    def is_counted(self) -> bool:
        """Whether calls or runs of it have a limit."""
        return any(self.most)

    @property
    def counts_runs(self) -> bool:
        return any(self.most[2:])

    def check_url(self, url: str, field: str = "") -> None:
        """Raise Forbidden if its host is none of those that the token may reach."""
        if self.given.hosts is not None and not self.reaches(url):
            self._refuse_host(origin_of(url).partition("://")[2] or url[:80], field)

    def check_mail(self, address: str, field: str = "") -> None:
        """The same for the domain of an e-mail address."""
        domain = address.rpartition("@")[2].lower()
        hosts = self.given.hosts
        if hosts is not None and not any(_fits(one, domain, None) for one in hosts):
            self._refuse_host(domain, field)

    def reaches(self, url: str | None) -> bool:
        """Whether a URL, if there is one, is of a host that the token may reach."""
        if self.given.hosts is None or not url:
            return True
        host, _, port = origin_of(url).partition("://")[2].rpartition(":")
        host = host.rstrip(".")
        return bool(host) and any(_fits(one, host, int(port)) for one in self.given.hosts)

    def _refuse_host(self, host: str, field: str) -> None:
        allowed = _listed(self.given.hosts or ())
        raise Forbidden(f"The token may not reach {host}: its hosts limit allows {allowed}.", "hosts", field)

    def check_resuming(self) -> None:
        """Raise Forbidden if the token may not start a paused queue, whose jobs may call any host."""
        if self.given.hosts is not None:
            allowed = _listed(self.given.hosts)
            raise Forbidden(
                "The token may not resume a queue, whose jobs may call any host: its hosts limit allows "
                f"{allowed}.",
                "hosts",
            )

    def has_queue(self, name: str) -> bool:
        return self.given.queues is None or any(_matches(one, name) for one in self.given.queues)

    def check_queue(self, name: str, field: str = "") -> None:
        """Raise Forbidden if it is none of the queues that the token may use."""
        if not self.has_queue(name):
            allowed = _listed(self.given.queues or ())
            raise Forbidden(
                f"The token may not use the queue {name[:80]}: its queues limit allows {allowed}.",
                "queues",
                field,
            )

    def check_delete(self) -> None:
        """Raise Forbidden if the token may not delete."""
        if not self.given.may_delete:
            raise Forbidden("The token may not delete or purge: its may_delete limit is false.", "may_delete")

    def check_interval(self, plan: Plan, now: datetime) -> None:
        """Raise Invalid if two of the next fires are closer than the token may have them."""
        least = self.given.min_interval_seconds
        if least is None:
            return
        fire = first = policy.following(plan, now)
        for _ in range(FIRES):
            then = policy.following(plan, fire) if fire else None
            if fire is None or first is None or then is None:
                return
            if then - fire < timedelta(seconds=least):
                raise Invalid(
                    "cron_expression",
                    f"The cron_expression field must leave {least} s between fires, which is the token's "
                    f"min_interval_seconds; it fires at {_iso(fire)} and {_iso(then)}.",
                )
            if then - first > SPAN:
                return
            fire = then

    def check_gift(self, wanted: TokenCreate) -> None:
        """Raise Forbidden if that token could do more than this one."""
        own = self.given
        found = [
            *(["queues"] if not _covers(own.queues, wanted.queues, _matches) else []),
            *(["hosts"] if not _covers(own.hosts, wanted.hosts, _covers_host) else []),
            *(
                ["min_interval_seconds"]
                if _is_less(wanted.min_interval_seconds, own.min_interval_seconds)
                else []
            ),
            *(["may_delete"] if wanted.may_delete and not own.may_delete else []),
            *[name for name in _MOST if _is_more(getattr(wanted, name), getattr(own, name))],
            *(["expires_at"] if _is_later(wanted.expires_at, own.expires_at) else []),
        ]
        if found:
            name = found[0]
            raise Forbidden(
                f"A token cannot give another more than it has itself: its own {name} is "
                f"{own.model_dump(mode='json')[name]}; give the same or less.",
                name,
                name,
            )


def of(given: TokenLimits) -> Limits | None:
    """The limits, or nothing if there are none."""
    fields = TokenLimits.model_fields
    if all(getattr(given, name) == one.default for name, one in fields.items()):
        return None
    return Limits(TokenLimits.model_construct(**{name: getattr(given, name) for name in fields}))


def may_give(own: frozenset[str], scopes: Sequence[str]) -> bool:
    """Whether a token with the first scopes may make one with the others."""
    return max(map(SCOPES.index, scopes)) <= max(SCOPES.index(one) for one in own if one in SCOPES)


def _fits(pattern: str, host: str, port: int | None) -> bool:
    name, its_port = host_of(pattern)
    if port is not None and its_port not in (None, port):
        return False
    return host == name or (name.startswith("*.") and host.endswith(name[1:]))


def _matches(pattern: str, name: str) -> bool:
    """A star is any text, all else is meant as it is written; in linear time, for names are callers'."""
    first, *middle = pattern.split("*")
    if not middle:
        return name == pattern
    last = middle.pop()
    if len(name) < len(first) + len(last) or not (name.startswith(first) and name.endswith(last)):
        return False
    at, end = len(first), len(name) - len(last)
    for part in middle:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _covers(
    own: Sequence[str] | None, wanted: Sequence[str] | None, covers: Callable[[str, str], bool]
) -> bool:
    if own is None:
        return True
    # Of patterns that are wanted, too: only a star of our own can stand for a star.
    return wanted is not None and all(any(covers(mine, one) for mine in own) for one in wanted)


def _covers_host(own: str, wanted: str) -> bool:
    (name, port), (its_name, its_port) = host_of(own), host_of(wanted)
    return port in (None, its_port) and (
        name == its_name or (name.startswith("*.") and its_name.endswith(name[1:]))
    )


def _is_more(wanted: int | None, own: int | None) -> bool:
    return own is not None and (wanted is None or wanted > own)


def _is_less(wanted: int | None, own: int | None) -> bool:
    return own is not None and (wanted is None or wanted < own)


def _is_later(wanted: datetime | None, own: datetime | None) -> bool:
    return own is not None and (wanted is None or wanted > own)


def _listed(patterns: Sequence[str]) -> str:
    shown = ", ".join(patterns[:_SHOWN])
    return f"{shown} and others" if len(patterns) > _SHOWN else shown


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
