"""What a caller can see of the hosts that a team calls."""

from collections.abc import Sequence
from typing import NamedTuple

from shared import clock
from shared.basics import words
from shared.operations import Call
from shared.schemas.base import Page
from shared.schemas.reports.hosts import Host, HostFilter, HostQuery, RestReason
from shared.store import paging, transitions
from shared.store.transitions import StoredHost


class Hosts(NamedTuple):
    """Those of a team that rest, or rested within two days, the ones whose rests began last first."""

    now_ms: int
    rows: Sequence[StoredHost]

    def page(self, query: HostQuery) -> Page[Host]:
        rows = self.rows
        if query.filter is HostFilter.RESTING:
            rows = [row for row in rows if _rests(row, self.now_ms)]
        elif query.filter is HostFilter.ANSWERING:
            rows = [row for row in rows if _is_back(row)]
        if query.search:
            rows = [row for row in rows if words.contains(query.search, row.host)]
        return paging.page_of(rows, query, lambda row: _host(row, self.now_ms))

    def named(self, name: str) -> Host | None:
        """The one of that name, at whichever port; of several the one whose rest began last."""
        wanted = _without_port(name)
        alike = (row for row in self.rows if wanted in row.host)
        found = next((row for row in alike if _without_port(row.host) == wanted), None)
        return _host(found, self.now_ms) if found else None


async def read(call: Call) -> Hosts:
    return Hosts(*await transitions.read_hosts(call.redis, call.team))


async def page(call: Call, query: HostQuery) -> Page[Host]:
    return (await read(call)).page(query)


def _without_port(host: str) -> str:
    """`a.example` of `a.example:443`, and `2001:db8::1` of `[2001:db8::1]:443`."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host if host.count(":") > 1 else host.partition(":")[0]


def _host(row: StoredHost, now_ms: int) -> Host:
    return Host(
        host=row.host,
        reason=RestReason(row.why),
        since=clock.moment(row.since),
        resting_until=clock.moment(row.ends) if _rests(row, now_ms) else None,
        answering_since=clock.moment(row.back) if _is_back(row) else None,
        requests_since=row.requests,
        last_status=row.status or None,
    )


def _is_back(row: StoredHost) -> bool:
    return row.back != 0


def _rests(row: StoredHost, now_ms: int) -> bool:
    return not _is_back(row) and row.ends > now_ms
