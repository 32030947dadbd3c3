"""The `recuro` command; each subcommand imports what it needs when it runs, so that `--help` is quick."""

import argparse
import sys
from collections.abc import Callable
from importlib import import_module

Command = Callable[[argparse.Namespace], int]
SERVICES = {"api": "REST API", "scheduler": "scheduler", "worker": "worker", "mcp": "MCP gateway"}


def main() -> None:
    """Run the subcommand and exit with its status."""
    try:
        arguments = _parser().parse_args()
        command: Command = arguments.command
        sys.exit(command(arguments))
    except KeyboardInterrupt:
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="recuro", description="Self-hosted crons and HTTP job queues.")
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add(commands, "dev", _dev, "run Redis and every service on this machine")
    for service, what in SERVICES.items():
        serve = _add(commands, service, _serve, f"run the {what}")
        serve.set_defaults(service=service)
        if service == "mcp":
            _add_config(serve)
    listen = _add(commands, "listen", _listen, "be called: print every request that comes in")
    listen.add_argument("--port", type=_port, default=9000, help="(%(default)s)")
    doctor = _add(commands, "doctor", _doctor, "check that Redis is fit to keep jobs")
    doctor.add_argument("--reconcile", action="store_true", help="recount what is stored, and repair it")
    retention = _add(commands, "retention", _retention, "show what history waits to be removed")
    retention.add_argument("--confirm", action="store_true", help="let it go now")
    healthcheck = _add(commands, "healthcheck", _healthcheck, "exit 0 when a service here is alive, else 1")
    healthcheck.add_argument("service", choices=tuple(SERVICES))
    verify = _add(commands, "verify", _verify, "say whether a request is signed by Recuro, or why not")
    verify.add_argument(
        "--secret", help="whsec_…; else RECURO_SIGNING_SECRET, which no other user here can see"
    )
    verify.add_argument(
        "--header", action="append", default=[], help="'Name: value', as it arrived; repeat it"
    )
    verify.add_argument(
        "--body", default="-", help="a file with the body as it arrived (- is standard input)"
    )
    _add_tokens(commands)
    _add_users(commands)
    keys = commands.add_parser("keys", help="manage the keys that seal stored secrets")
    _add(
        keys.add_subparsers(metavar="COMMAND", required=True),
        "reseal",
        _reseal,
        "seal all stored secrets with the first key of RECURO_ENCRYPTION_KEY",
    )
    return parser


def _add_config(mcp: argparse.ArgumentParser) -> None:
    from services.cli import mcp_config

    commands = mcp.add_subparsers(metavar="COMMAND")
    what = "print what tells an MCP client of the gateway"
    mcp_config.add_options(_add(commands, "config", _mcp_config, what))


def _add_tokens(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("token", help="make, list and end API tokens")
    actions = parser.add_subparsers(metavar="COMMAND", required=True)
    create = _add(actions, "create", _token_create, "make a token and print it, once")
    create.add_argument("--team", default="default", help="the team it acts for, made if new (%(default)s)")
    create.add_argument("--name", help="what to call it; without one, token or token 2")
    create.add_argument("--scope", choices=("read", "write", "admin"), default="write", help="(%(default)s)")
    create.add_argument("--new", action="store_true", help="begin in a Redis that no service has used yet")
    _add(actions, "list", _token_list, "list the tokens of every team, without themselves")
    revoke = _add(actions, "revoke", _token_revoke, "end a token")
    revoke.add_argument("id", help="as `recuro token list` shows it")


def _add_users(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("user", help="make and list users, and let them in again")
    actions = parser.add_subparsers(metavar="COMMAND", required=True)
    create = _add(actions, "create", _user, "make a user, and print a link to set a password, once")
    create.set_defaults(action="create")
    create.add_argument("--email", required=True, help="the address to sign in with")
    create.add_argument("--name", default="", help="what to call the user")
    create.add_argument(
        "--team", default="default", help="made if new; its first member owns it (%(default)s)"
    )
    create.add_argument("--role", choices=("admin", "member"), default="member", help="(%(default)s)")
    create.add_argument("--password-stdin", action="store_true", help="read a password, and print no link")
    create.add_argument("--new", action="store_true", help="begin in a Redis that no service has used yet")
    reset = _add(actions, "reset", _user, "print a link with which a user sets another password, once")
    reset.set_defaults(action="reset")
    reset.add_argument("--email", required=True, help="whose")
    reset.add_argument("--second-factor", action="store_true", help="remove the second factor, too")
    reset.add_argument("--single-sign-on", action="store_true", help="link it anew at its next sign-in")
    _add(actions, "list", _user, "list the users").set_defaults(action="list")


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, command: Command, help_: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=help_, description=f"{help_[0].upper()}{help_[1:]}.")
    parser.set_defaults(command=command)
    return parser


def _port(text: str) -> int:
    """A port that can be listened on: for a number beyond the last one the system would take another port."""
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise argparse.ArgumentTypeError(f"{text} is no port from 1 to 65535")
    return int(text)


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from shared.version import VERSION

        print(f"recuro {VERSION}")
        parser.exit()


def _dev(_: argparse.Namespace) -> int:
    import asyncio

    from services.cli import dev
    from services.cli.embedded import CannotStart
    from shared.settings import load

    try:
        return asyncio.run(dev.run(load()))
    except CannotStart as error:
        print(f"recuro dev: {error}", file=sys.stderr)
        return 1


def _serve(arguments: argparse.Namespace) -> int:
    import_module(f"services.{arguments.service}.main").main()
    return 0


def _mcp_config(arguments: argparse.Namespace) -> int:
    from services.cli import mcp_config

    return mcp_config.run(arguments)


def _listen(arguments: argparse.Namespace) -> int:
    from services.cli import listen

    listen.listen(arguments.port)
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    import asyncio

    from services.cli import reports

    return asyncio.run(reports.doctor(reconcile=arguments.reconcile))


def _retention(arguments: argparse.Namespace) -> int:
    import asyncio

    from services.cli import reports

    return asyncio.run(reports.show_retention(confirm=arguments.confirm))


def _healthcheck(arguments: argparse.Namespace) -> int:
    from services.cli import healthcheck

    return healthcheck.run(arguments.service)


def _verify(arguments: argparse.Namespace) -> int:
    import os
    from pathlib import Path

    from services.cli.verify import WrongUse, verify

    try:
        secret = arguments.secret or os.environ.get("RECURO_SIGNING_SECRET")
        if not secret:
            raise WrongUse("give the secret as --secret or RECURO_SIGNING_SECRET")
        return verify(secret, arguments.header, Path(arguments.body))
    except WrongUse as error:
        print(f"recuro verify: {error}", file=sys.stderr)
        return 2


def _token_create(arguments: argparse.Namespace) -> int:
    import asyncio

    from services.cli import reports

    return asyncio.run(
        reports.new_token(arguments.team, arguments.name, arguments.scope, begin=arguments.new)
    )


def _reseal(_: argparse.Namespace) -> int:
    import asyncio

    from services.cli import reports

    return asyncio.run(reports.reseal())


def _token_list(_: argparse.Namespace) -> int:
    import asyncio

    from services.cli import reports

    return asyncio.run(reports.list_tokens())


def _token_revoke(arguments: argparse.Namespace) -> int:
    import asyncio

    from services.cli import reports

    return asyncio.run(reports.revoke_token(arguments.id))


def _user(arguments: argparse.Namespace) -> int:
    import asyncio

    from services.cli import users
    from shared.errors import RecuroError

    try:
        return asyncio.run(users.run(arguments))
    except RecuroError as error:
        print(f"recuro user {arguments.action}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    main()
