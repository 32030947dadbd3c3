"""Where things are on this machine: addresses to call, ports to listen on, the Redis of `recuro dev`."""

import errno
import os
import socket
import stat
from urllib.parse import quote, urlsplit

from services.cli.embedded import SOCKET, CannotStart
from shared.settings import Settings, unknown


def url_of(host: str, port: int) -> str:
    """The address by which a process on this machine can call a service that listens there."""
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def free_port(host: str, port: int, variable: str) -> int:
    """The port if it is free, or any free one for 0; CannotStart names the variable that changes it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the service does
        try:
            attempt.bind((host, port))
        except OSError as error:
            reason = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            raise CannotStart(f"port {port} on {host} {reason}: set {variable} to another") from error
        return int(attempt.getsockname()[1])


def with_redis_nearby(settings: Settings) -> Settings:
    """Without a RECURO_REDIS_URL, the Redis of the `recuro dev` that runs in this directory, if one does."""
    address = settings.data_dir.absolute() / SOCKET
    if "redis_url" in settings.model_fields_set or not _is_socket(str(address)):
        return settings
    return settings.model_copy(update={"redis_url": f"unix://{quote(str(address))}"})


def looked_for(settings: Settings) -> str:
    """Where a `recuro dev` was looked for in vain, and how to name another Redis; empty if one is named."""
    folder = settings.data_dir.absolute()
    if "redis_url" in settings.model_fields_set or _is_socket(str(folder / SOCKET)):
        return ""
    return (
        f" No recuro dev runs with its data in {folder}: call this where it was started, or name its .recuro "
        "in RECURO_DATA_DIR, or a Redis in RECURO_REDIS_URL."
    )


def in_vain() -> list[str]:
    """A sentence for each variable with our prefix that nothing reads."""
    return [
        f"nothing reads {name}" + (f": did you mean {meant}?" if meant else "")
        for name, meant in unknown().items()
    ]


def redis_name(url: str) -> str:
    """The URL without user, password and options, for showing."""
    parts = urlsplit(url)
    where = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{where}{port}{parts.path}"


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False
