"""Alerts that go out by e-mail, each as an exchange like those of other channels."""

import time

from services.worker.http.exchange import Exchange, unsent, without_response
from services.worker.http.permit import Permit
from shared import clock
from shared.runtime import mail
from shared.runtime.mail import Letter
from shared.settings import Settings


class Mailer:
    """Sends by the SMTP server of the settings, a connection a letter."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def send(self, letter: Letter, permit: Permit) -> Exchange:
        """Send once, within 30 s in all; raises NotSent or a cancellation, and nothing else."""
        started_at_ms, began = permit.now_ms(), time.perf_counter()
        now = clock.moment(started_at_ms)
        failed = await mail.deliver(self._settings, letter, now, before=permit.check)
        if failed and mail.missing(self._settings):
            return unsent(failed.reason, failed.sentence, started_at_ms)
        duration_ms = round((time.perf_counter() - began) * 1000)
        reason, sentence = failed or (None, None)
        return without_response(reason, sentence, started_at_ms, duration_ms)
