"""Read records that another version or an accident has written: what is wrong is reported, not refused.

The rules for new input do not apply to stored records. What cannot be read at all has its default, and the
record's `problem` names it.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from shared import clock
from shared.schemas.base import STORED
from shared.schemas.runs import Run
from shared.store import stored

M = TypeVar("M", bound=BaseModel)

EPOCH = clock.moment(0)
_EMPTY: Mapping[type, Any] = {str: "", int: 0, float: 0.0, bool: False, dict: {}, list: [], tuple: ()}
_SHOWN_CHARACTERS = 60


class Reader:
    """Reads the parts of one record, and remembers what is wrong with them."""

    def __init__(self) -> None:
        self._wrong: dict[str, str] = {}

    @property
    def problem(self) -> str | None:
        """One sentence about what is wrong, or None."""
        if not self._wrong:
            return None
        said = ", ".join(f"{name} ({why})" for name, why in self._wrong.items())
        return f"What is stored of it cannot be used as it is: {said}. Give these anew, or ask an operator."

    def note(self, name: str, why: str) -> None:
        self._wrong.setdefault(name, why)

    def spec(self, text: str | None) -> stored.Read:
        """The spec, or its beginning."""
        try:
            read = stored.read_spec(text or "")
        except ValueError:
            read = stored.Read({})
        if not text or not isinstance(read.fields, dict) or not read.fields:
            self.note("spec", "its specification is lost" if not text else "its specification is no JSON")
            return stored.Read({})
        return read

    def run(self, text: str | None) -> tuple[Run | None, tuple[str, ...]]:
        """The run, and the names of its fields that were not read."""
        if not text:
            return None, ()
        try:
            read = stored.read_run(text)
        except (ValueError, LookupError, TypeError):
            self.note("run", "it is no JSON of a run")
            return None, ()
        return self.model(Run, read.fields, "run."), read.unread

    def instant(
        self, fields: Mapping[str, str], name: str, missing: datetime | None = None
    ) -> datetime | None:
        """A moment stored in ms; `missing` if there is none, or it cannot be read."""
        if not fields.get(name):
            return missing
        try:
            return clock.moment(fields[name])
        except (ValueError, OverflowError, OSError):
            self.note(name, f"{fields[name][:_SHOWN_CHARACTERS]} is no moment")
            return missing

    def made(self, fields: Mapping[str, str], name: str) -> datetime:
        """A moment that every record has."""
        if not fields.get(name):
            self.note(name, "it is lost")
        return self.instant(fields, name, EPOCH) or EPOCH

    def number(self, fields: Mapping[str, str], name: str, missing: int = 0) -> int:
        try:
            return int(float(fields.get(name, missing)))
        except (ValueError, OverflowError):
            self.note(name, f"{fields[name][:_SHOWN_CHARACTERS]} is no number")
            return missing

    def model(self, model: type[M], values: Mapping[str, Any], prefix: str = "") -> M:
        """A model of these values; a wrong value becomes its default, or stays as it is if it is text."""
        try:
            return model.model_validate(values, extra="ignore", context=STORED)
        except ValidationError:
            found = {name: self._field(model, name, values, prefix) for name in model.model_fields}
            return model.model_construct(None, **found)

    def _field(self, model: type[BaseModel], name: str, values: Mapping[str, Any], prefix: str) -> Any:
        field = model.model_fields[name]
        if name not in values:
            if field.is_required():
                self.note(prefix + name, "it is lost")
            return _missing(field)
        try:
            return _adapter(model, name).validate_python(values[name], context=STORED)
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            self.note(prefix + name, problem["msg"].removeprefix("Value error, ").rstrip("."))
        is_text = str in _kinds(field.annotation) and isinstance(values[name], str)
        return values[name] if is_text else _missing(field)


@lru_cache(1024)
def _adapter(model: type[BaseModel], name: str) -> TypeAdapter[Any]:
    field = model.model_fields[name]
    kind: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    return TypeAdapter(kind)


def _missing(field: FieldInfo) -> Any:
    if not field.is_required():
        return field.get_default(call_default_factory=True)
    kinds = _kinds(field.annotation)
    if type(None) in kinds:
        return None
    kind = kinds[0] if kinds else str
    if issubclass(kind, Enum):
        return next(iter(kind))
    return EPOCH if issubclass(kind, datetime) else _EMPTY.get(kind)


def _kinds(annotation: Any) -> list[type]:
    """The types that a value may have, without their annotations."""
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return [annotation]
    origin = get_origin(annotation)
    if isinstance(origin, type) and origin in _EMPTY:
        return [origin]
    return [kind for part in get_args(annotation) for kind in _kinds(part)]
