"""A cron's secrets stay with the origin (scheme, host, port) they were given for."""

from shared.basics.redaction import REDACTED
from shared.errors import Invalid
from shared.schemas.crons import CronCreate, CronUpdate
from shared.security.destinations import origin_of
from shared.security.vault import MASK, Vault, is_sealed, is_secret
from shared.store.keyspace import Team


def changed(before: CronCreate, changes: CronUpdate) -> tuple[CronCreate, list[str]]:
    """The changed cron, and the names of headers it loses, as their secrets are for another origin."""
    values = {name: getattr(changes, name) for name in changes.model_fields_set}
    if changes.headers:
        values["headers"] = _unmasked(changes.headers, before.headers or {})
    wanted = before.model_copy(update=values)
    if not wanted.headers or origin_of(wanted.url) == origin_of(before.url):
        return wanted, []
    anew = {name for name, value in (changes.headers or {}).items() if not _is_mask(value)}
    dropped = [name for name, value in wanted.headers.items() if name not in anew and _is_kept(name, value)]
    left = {name: value for name, value in wanted.headers.items() if name not in dropped}
    return wanted.model_copy(update={"headers": left or None}), dropped


def sealed(wanted: CronCreate, vault: Vault, team: Team) -> CronCreate:
    headers = wanted.headers or {}
    if all(is_sealed(value) or not is_secret(name) for name, value in headers.items()):
        return wanted
    headers = vault.seal_headers(headers, team.id, origin_of(wanted.url))
    return wanted.model_copy(update={"headers": headers})


def warnings(dropped: list[str], url: str) -> tuple[str, ...]:
    if not dropped:
        return ()
    names, are, them = ", ".join(dropped), *(("was", "it") if len(dropped) == 1 else ("were", "them"))
    return (
        f"The secret {names} {are} kept for the URL before and {are} removed, for a secret is not sent to "
        f"another scheme, host or port: give {them} anew in headers if {origin_of(url)} needs {them}.",
    )


def _unmasked(wanted: dict[str, str], kept: dict[str, str]) -> dict[str, str]:
    """A value that a caller read masked and sends back stays as it was."""
    known = {name.lower(): value for name, value in kept.items()}
    for name, value in wanted.items():
        if value == MASK and name.lower() not in known:
            raise Invalid(
                "headers", f"The headers field has {MASK} for {name}, which has no value to be kept."
            )
    return {
        name: known.get(name.lower(), value) if _is_mask(value) else value for name, value in wanted.items()
    }


def _is_mask(value: str) -> bool:
    return value in (MASK, REDACTED)


def _is_kept(name: str, value: str) -> bool:
    """Whether the stored value is a secret."""
    return is_sealed(value) or is_secret(name)
