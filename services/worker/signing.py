"""A team's requests and callbacks are signed with its secrets, if it has any (spec §4)."""

from services.worker.http.outgoing import Outgoing
from services.worker.notices.channels import RENDERINGS
from services.worker.work import Notice, Work
from shared.actions import signatures
from shared.security import signing
from shared.security.vault import Vault


def signed(outgoing: Outgoing, work: Work, vault: Vault) -> Outgoing:
    """The request with its signatures, made now; as it is if its team does not sign. Raises Unsealable."""
    if not work.of_team.signing or _is_for_strangers(work):
        return outgoing
    now_ms = work.now_ms
    secrets = signatures.secrets_of(vault, work.team, work.of_team.signing, now_ms)
    headers = signing.headers_of(
        secrets, outgoing.headers["Idempotency-Key"], outgoing.body or b"", now_ms // 1000
    )
    return outgoing._replace(headers={**outgoing.headers, **headers})


def _is_for_strangers(work: Work) -> bool:
    """Channels of others verify nothing."""
    return isinstance(work, Notice) and work.is_alert and not RENDERINGS[work.spec].IS_SIGNED
