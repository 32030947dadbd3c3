"""Another password for who has forgotten it, by a link that goes to the user's own address."""

import asyncio
from dataclasses import replace

import structlog

from shared.actions import audit
from shared.actions.accounts import links, sign_in, users
from shared.actions.accounts.links import Purpose
from shared.actions.accounts.sign_in import CodeNeeded, SignedIn
from shared.actions.accounts.users import StoredUser
from shared.actions.accounts.visits import Accounts, Visitor
from shared.errors import Conflict, NotFound
from shared.runtime import mail
from shared.runtime.mail import Letter
from shared.schemas.accounts.users import key_of
from shared.security import passwords
from shared.security.sessions import new_secret
from shared.store import connection
from shared.store.connection import AWAY
from shared.store.transitions import Setting, accounts

SUBJECT = "[Recuro] Set another password"
TEXT = """Somebody, and probably you, wants to set another password for {email}.

Set it here, within an hour:

  {address}

If it was not you, do nothing: your password stays as it is.
"""

UNPROVED = """Somebody, and probably you, wants to set another password for {email}.

No link for that can be sent: this account was opened by an invitation, and nobody has shown
that your address and the account are of the same person. Ask whoever runs Recuro for a link
(recuro user reset); once it is used, links can be sent to you.

If it was not you, do nothing: the password stays as it is.
"""

_REMOVED = "sessions, and API tokens and invitations that were made, for nobody had proved the address"

log = structlog.get_logger()


async def request(having: Accounts, visitor: Visitor, email: str) -> None:
    """Send a link to the address, if a user has it; whether one does, neither the answer nor its time tells.

    Whose address was never proved gets a letter that says who can help.
    Raises TooManyAttempts, and Conflict where no mail can be sent.
    """
    if mail.missing(having.settings):
        raise Conflict("No mail can be sent here; ask whoever runs Recuro for a link (recuro user reset).")
    if not having.settings.public_url:
        raise Conflict("RECURO_PUBLIC_URL is not set, so that no link can be sent; ask whoever runs Recuro.")
    having.brakes.take_letter(visitor.address, key_of(email))
    task = asyncio.create_task(_send(having, email))
    having.running.add(task)
    task.add_done_callback(having.running.discard)


async def look(having: Accounts, visitor: Visitor, code: str) -> str:
    """Whose address a link is for; it is still to be used. Raises NotFound."""
    having.brakes.take_link(visitor.address, code)
    user = await users.get(having.redis, await links.look(having.redis, Purpose.RESET, code))
    return user.email


async def set_password(having: Accounts, visitor: Visitor, code: str, password: str) -> SignedIn | CodeNeeded:
    """Use the link up: all sessions of its user end, and this browser gets one, or is asked for a code.

    If nobody had proved the address, the API tokens and invitations of whoever had the user before end too.
    Raises NotFound, or Invalid for a bad password, after which the link is good still.
    """
    having.brakes.take_link(visitor.address, code)
    user = await users.get(having.redis, await links.look(having.redis, Purpose.RESET, code))
    passwords.check(password, user.email, user.name)
    stored = await having.passwords.hashed(password)
    await links.take(having.redis, Purpose.RESET, code)
    with connection.begun():  # from here on a repeat finds the link used up
        # The link went to an address that was theirs already, or an operator gave it to them.
        change = [
            Setting("password", stored),
            Setting("email_proved", await having.now_ms()),
            Setting("totp_new", None),  # whoever was offered it before confirms nothing any more
            Setting("recovery_new", None),
        ]
        said = None if user.has_proved_email else audit.made(removed=_REMOVED)
        version = await accounts.change_user(
            having.redis,
            change,
            user=user.id,
            version=user.version,
            ends_sessions=True,
            ends_all=not user.has_proved_email,
            write=visitor.write("reset-password", user.email, said),
        )
        if version is None:
            raise Conflict("The user was changed at the same moment; ask for another link.")
        log.info("password_reset", user=user.id, address=visitor.address)
        return await sign_in.proceed(having, visitor, replace(user, version=version))


async def _send(having: Accounts, email: str) -> None:
    try:
        user = await users.find(having.redis, email)
        if user is None:
            return
        letter = await _letter(having, user)
        failed = await mail.deliver(having.settings, letter, await having.now())
    except (NotFound, *AWAY) as error:
        log.warning("reset_not_sent", error=repr(error))
        return
    if failed:
        log.warning("reset_not_sent", user=user.id, error=failed.sentence)


async def _letter(having: Accounts, user: StoredUser) -> Letter:
    """With a link, or without one if somebody else may have opened the account under this address."""
    if not user.has_proved_email:
        name = links.name_of(new_secret())
        return Letter((user.email,), SUBJECT, UNPROVED.format(email=user.email), f"<{name}@recuro.invalid>")
    code = await links.make(having.redis, Purpose.RESET, user.id)
    address = links.address_of(having.settings.public_url, Purpose.RESET, code)
    text = TEXT.format(email=user.email, address=address)
    return Letter((user.email,), SUBJECT, text, f"<{links.name_of(code)}@recuro.invalid>")
