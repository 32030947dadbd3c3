"""The worker: claims jobs and executions, sends their requests, records what came back."""

import asyncio
import logging
import os
import socket
import uuid
from typing import Any

import structlog
import uvloop

from services.worker.context import Context
from services.worker.http.client import Sender
from services.worker.http.proxy import Proxy
from services.worker.intake.arq_shell import StreamWorker
from services.worker.intake.feed import BELL_MILLISECONDS
from services.worker.intake.runner import Links
from services.worker.notices.mail import Mailer
from services.worker.processor import process
from services.worker.work import Result, Work
from shared.runtime import garbage, start
from shared.runtime.serving.bounds import allow_files
from shared.security import vault
from shared.security.addresses import Policy
from shared.security.vault import Vault
from shared.settings import Settings
from shared.store import connection, keyspace

OPEN_FILES = 65_536

log = structlog.get_logger()


async def deliver(ctx: dict[Any, Any], work: Work) -> Result:
    """The one arq function: one HTTP exchange."""
    context: Context = ctx["context"]
    return await process(work, context)


def create_worker(settings: Settings, **arq: Any) -> StreamWorker:
    """A worker of that many parallel requests; `arq` goes to arq's Worker as it is."""
    keys = vault.load(settings)

    async def open_sender(ctx: dict[Any, Any]) -> None:
        proxy = _proxy(settings)
        policy = Policy(settings.egress_allow, settings.egress_ports)
        sender = await Sender(policy, proxy=proxy).__aenter__()
        ctx["context"] = Context(
            ctx["redis"],
            sender,
            keys,
            Mailer(settings),
            worker=f"{socket.gethostname()}:{os.getpid()}",
            public_url=settings.public_url,
            secrets=proxy.secrets if proxy else (),
            tells_runs=log.is_enabled_for(logging.INFO),
        )
        log.info("worker_ready", concurrency=settings.worker_concurrency)

    async def close_sender(ctx: dict[Any, Any]) -> None:
        await ctx["context"].sender.__aexit__(None, None, None)

    return StreamWorker(
        _links(settings, keys),
        functions=[deliver],
        on_startup=open_sender,
        on_shutdown=close_sender,
        max_jobs=settings.worker_concurrency,
        job_completion_wait=max(1, settings.worker_grace_seconds),  # 0 would be arq's "cancel at once"
        **arq,
    )


def _links(settings: Settings, keys: Vault) -> Links:
    return Links(
        connect=lambda: connection.connect(settings),
        store=connection.connect(settings),
        blocking=connection.connect(settings, blocking_seconds=BELL_MILLISECONDS / 1000),
        shards=keyspace.SHARDS,
        consumer=f"{socket.gethostname()}:{uuid.uuid4().hex[:12]}",
        keys=keys,
    )


def _proxy(settings: Settings) -> Proxy | None:
    if settings.egress_proxy is None:
        return None
    return Proxy.at(settings.egress_proxy.get_secret_value(), resolves=settings.egress_proxy_resolves)


def main() -> None:
    settings = start.begin("worker")
    allow_files(OPEN_FILES)  # a socket is a file
    garbage.collect_rarely()
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # before arq asks for the loop
    create_worker(settings).run()
