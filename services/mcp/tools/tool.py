"""What a tool is, and the arguments that several tools have."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, Field

from shared.operations import Call, Scope
from shared.schemas.base import NO_BOOL, Id, Schema
from shared.store.idempotency import KEY

A = TypeVar("A", bound=Schema)


@dataclass(frozen=True, slots=True)
class Tool(Generic[A]):
    """What a client is shown of a tool, and the function that runs it."""

    name: str
    title: str
    description: str
    model: type[A]
    answer: type[Schema]
    run: Callable[[Call, A], Awaitable[Schema]]
    scope: Scope = "write"
    is_destructive: bool = False
    is_idempotent: bool = False
    null_clears: bool = False
    """Null is a value that clears; otherwise it means "not given"."""
    meets_outside: bool = True
    look: str = ""
    """The tool that shows whether a write was done."""
    operations: tuple[str, ...] = ()
    """Those that it is a way to, where it is not the one of its name."""


def _check_key(text: str) -> str:
    if not KEY.fullmatch(text):
        raise ValueError("must hold 1 to 255 visible ASCII characters")
    return text


PageNumber = Annotated[int, Field(ge=1, le=10_000_000), NO_BOOL]
PerPage = Annotated[int, Field(ge=1, le=100), NO_BOOL]
Key = Annotated[str, AfterValidator(_check_key)] | None
KEY_SAID = Field(description="Any text: a repeat with it does nothing twice")
"""Of the tools in which an agent meets the field first."""
DryRun = Annotated[bool, Field(description="Check and show only")]
Wait = Annotated[Annotated[int, Field(ge=0, le=50), NO_BOOL] | None, Field(description="Wait for its end")]


class GetArguments(Schema):
    id: Id


class DeleteArguments(GetArguments):
    """What to delete."""

    idempotency_key: Key = None
