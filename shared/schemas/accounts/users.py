"""Users: who signs in, by an e-mail address."""

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from shared.schemas.base import Schema

_ADDRESS = re.compile(
    r"[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f]{1,64}@(?:[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f.]+\.)*[^\s@<>()\[\]\\,;:\"\x00-\x1f\x7f.]+\Z"
)


def _an_address(value: str) -> str:
    stripped = value.strip()
    if not _ADDRESS.match(stripped):
        raise ValueError("must be an e-mail address, as ada@example.com")
    return stripped


MOST_EMAIL = 254
Email = Annotated[str, Field(min_length=3, max_length=MOST_EMAIL), AfterValidator(_an_address)]
"""As it was given; two that differ in case alone are one."""
PersonName = Annotated[str, Field(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Role(StrEnum):
    """What a member may do: a member all with crons, queues and jobs; an admin settings and members too."""

    ADMIN = "admin"
    MEMBER = "member"


class User(Schema):
    """One who may sign in."""

    id: int
    email: str
    name: str
    has_password: bool
    has_second_factor: bool
    recovery_codes_left: int


class UserUpdate(Schema):
    """What a user changes of itself without proving anything again."""

    name: PersonName


class UserCreate(Schema):
    """What somebody new says of itself."""

    name: PersonName
    password: Annotated[str, Field(repr=False)]


class UserSetUp(UserCreate):
    """The same of a first owner, who was made without an address."""

    email: Email


def key_of(email: str) -> str:
    """The address as it is compared."""
    return email.strip().lower()
