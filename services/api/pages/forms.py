"""What a form sends, and which of its fields are wrong."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from services.api.errors import Malformed, Refused
from services.api.requests import raw_of
from shared.errors import Invalid
from shared.schemas.validation import by_field

T = TypeVar("T", bound=BaseModel)

MOST_FIELDS = 100
SECRETS = frozenset(("password", "current", "code", "hook", "own_secret"))
"""Fields that no page shows again."""
_NAMED = re.compile(r"^The [\w.]+ field (\w)")
ONCE = "once"
"""The field with the key under which a form is done once."""


@dataclass(frozen=True, slots=True)
class Form:
    """Fields by name, as they were typed, and a sentence for each that is wrong."""

    fields: Mapping[str, str] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str, default: str = "") -> str:
        return self.fields.get(name, default)

    def error(self, name: str) -> str:
        """What is wrong with a field, to stand below it: its label names it, not the name that REST has."""
        return _NAMED.sub(lambda found: found[1].upper(), self.errors.get(name, ""))

    def has(self, name: str) -> bool:
        return name in self.fields

    @property
    def once(self) -> str:
        """Its key; a form that is shown for the first time gets one."""
        return self.fields.get(ONCE) or secrets.token_urlsafe(16)

    @property
    def others(self) -> list[str]:
        """Sentences about no field in particular."""
        return [sentence for name, sentence in self.errors.items() if name not in self.fields]

    def wrong(self, errors: Mapping[str, str]) -> "Form":
        """The same, to be shown again, without what is secret."""
        kept = {name: text if name not in SECRETS else "" for name, text in self.fields.items()}
        return Form(kept, errors)


async def form_of(request: Request) -> Form:
    """The form in the body; raises Malformed or TooLarge."""
    try:
        text = (await raw_of(request)).decode()
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError as error:
        raise Malformed("The form cannot be read; open the page again") from error
    return Form(dict(pairs))


def parsed(model: type[T], given: Mapping[str, object]) -> T:
    """What was typed as a model; raises Refused."""
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise Refused(by_field(error, model)) from None


def errors_of(error: Exception) -> dict[str, str]:
    """A sentence by field; of an item of a list by the list."""
    if isinstance(error, Refused):
        found: dict[str, str] = {}
        for name, sentences in error.errors.items():
            found.setdefault(name.partition(".")[0], sentences[0])
        return found
    if isinstance(error, Invalid):
        return {error.field: str(error)}
    return {"": str(error)}


def listed(text: str) -> list[str] | None:
    """Names with commas or line ends between, or nothing."""
    return [name for part in text.splitlines() for one in part.split(",") if (name := one.strip())] or None


def number(text: str) -> str | None:
    """What was typed as a number, without thousands' signs; nothing if nothing was."""
    return "".join(text.replace(",", "").split()) or None
