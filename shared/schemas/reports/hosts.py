"""Hosts that a team leaves alone for a while."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shared.schemas.base import Instant, PageQuery, Schema


class RestReason(StrEnum):
    """Why a host is given a rest."""

    RETRY_AFTER = "retry_after"
    SILENT = "silent"


class HostFilter(StrEnum):
    RESTING = "resting"
    ANSWERING = "answering"
    ALL = "all"


class HostQuery(PageQuery):
    """A search looks in the name."""

    filter: Annotated[
        HostFilter, Field(description="Only hosts that rest, or only those that answer again")
    ] = HostFilter.ALL


class Host(Schema):
    """A host that the team leaves alone, or left alone within two days."""

    host: str
    """Its name and port."""
    reason: RestReason
    since: Instant
    resting_until: Instant | None = None
    """None once the rest is over."""
    answering_since: Instant | None = None
    """None if no answer has come since it was given a rest."""
    requests_since: int = 0
    """How many it has answered since then, by workers that knew of its rest, for an hour."""
    last_status: int | None = None
    """Of the last answer that the team was told of; None for a silent one."""
