"""How every process begins, and how one that serves HTTP ends."""

import signal
import sys

from shared.runtime import logs, preflight
from shared.security import vault
from shared.settings import Settings, load


def begin(service: str, *, opens_secrets: bool = True) -> Settings:
    """The settings of a service that logs from now on; ends the process if Redis or its keys are not fit."""
    settings = load()
    logs.configure(settings, service)
    preflight.require_fit(settings, vault.load(settings) if opens_secrets else None)
    return settings


def end_when_asked() -> None:
    """Exit with 0 on SIGTERM and SIGINT: uvicorn raises the signal again once it has drained."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
