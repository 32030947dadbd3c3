"""Settings of every service, read once in `main` from `RECURO_*` environment variables."""

import os
import re
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.basics import issuer, redis_url, token_text

# Stricter than RFC 3986 where URL parsers differ: no part of it can be taken for another part.
_PROXY = re.compile(
    r"http://(?:[^\s@:/?#\\\[\]]+(?::[^\s@:/?#\\\[\]]*)?@)?(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::(\d{1,5}))?/?",
    re.ASCII,
)

_ORIGIN = re.compile(r"https?://(?:[\w.-]+|\[[\da-fA-F:.]+\])(?::\d{1,5})?", re.ASCII)
_TOKEN = re.compile(r"[\w.~+/=-]+", re.ASCII)
_DOMAIN = re.compile(r"[^\s@/,]+\.[^\s@/,.]+|localhost")

PREFIX = "RECURO_"
READ_BY_OTHERS = ("API_TOKEN", "URL", "REDIS_SERVER", "SIGNING_SECRET", "IMAGE")
"""Variables with our prefix that only clients, the command line and deploy/ read, not a service."""

Port = Annotated[int, Field(ge=0, le=65_535)]
Network = IPv4Network | IPv6Network


def _comma_separated(value: Any) -> Any:
    return (
        tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
    )


def _none_if_empty(value: Any) -> Any:
    return None if value == "" else value


EmptyIsNone = BeforeValidator(_none_if_empty)
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)]
Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_comma_separated)]


class Settings(BaseSettings):
    """One field for each variable; the README's table describes them."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    redis_url: str = "redis://127.0.0.1:6379/0"
    api_host: str = "127.0.0.1"
    api_port: Port = 8000
    api_cors_origins: Names = ()
    api_require_if_match: bool = False
    api_max_waits: Annotated[int, Field(ge=1, le=100_000)] = 5_000
    mcp_host: str = "127.0.0.1"
    mcp_port: Port = 8001
    mcp_allowed_hosts: Names = ()
    trusted_proxies: Networks = ()
    max_connections: Annotated[int, Field(ge=16, le=100_000)] = 1_000
    max_connections_per_address: Annotated[int, Field(ge=1, le=100_000)] = 750
    worker_concurrency: Annotated[int, Field(ge=1, le=10_000)] = 64
    worker_grace_seconds: Annotated[int, Field(ge=0, le=3600)] = 305
    data_dir: Path = Path(".recuro")
    bootstrap_token: SecretStr | None = None
    encryption_key: SecretStr | None = None
    egress_allow: Networks = ()
    egress_ports: Annotated[tuple[tuple[int, int], ...], NoDecode] = ()
    egress_proxy: SecretStr | None = None
    egress_proxy_resolves: bool = False
    public_url: str = ""
    mcp_url: str = ""
    smtp_host: str = ""
    smtp_port: Port = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: Annotated[str | None, EmptyIsNone] = None
    smtp_password: Annotated[SecretStr | None, EmptyIsNone] = None
    smtp_from: str = ""
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: Annotated[SecretStr | None, EmptyIsNone] = None
    oidc_scopes: str = "openid email profile"
    oidc_domains: Names = ()
    oidc_team: str = ""
    oidc_name: Annotated[str, Field(min_length=1, max_length=60)] = "single sign-on"
    metrics_host: str = "127.0.0.1"
    metrics_port: Port = 0
    retention_days: Annotated[int, Field(ge=1, le=3650)] = 30
    retention_runs: Annotated[int, Field(ge=1)] = 100_000
    retention_bytes: Annotated[int, Field(ge=0)] = 0
    session_idle_days: Annotated[int, Field(ge=1, le=365)] = 14
    session_days: Annotated[int, Field(ge=1, le=365)] = 90
    audit_retention_days: Annotated[int, Field(ge=1, le=3650)] = 365
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("redis_url")
    @classmethod
    def _a_redis(cls, value: str) -> str:
        if found := redis_url.problem(value):
            raise ValueError(found)
        return value

    @field_validator("api_cors_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [one for one in value if one != "*" and not _ORIGIN.fullmatch(one)]:
            raise ValueError(
                f"must be origins, as https://app.example.com without a path, or *; not {wrong[0]}"
            )
        return tuple(one.lower() for one in value)

    @field_validator("public_url", "mcp_url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value.rstrip("/")

    @field_validator("oidc_issuer")
    @classmethod
    def _an_issuer(cls, value: str) -> str:
        """Exactly as the provider writes it: some end with a slash."""
        if value and not issuer.is_issuer(value):
            raise ValueError(
                "must be the issuer as the provider writes it, as https://login.example.com/realms/main, by "
                "http on this machine only, without query and fragment"
            )
        return value

    @field_validator("oidc_client_secret")
    @classmethod
    def _without_blanks(cls, value: SecretStr | None) -> SecretStr | None:
        """A file that it was read from ends with a newline."""
        return SecretStr(value.get_secret_value().strip()) if value else None

    @field_validator("oidc_scopes")
    @classmethod
    def _scopes(cls, value: str) -> str:
        if "openid" not in value.split():
            raise ValueError("must be scopes with blanks between, and openid among them")
        return " ".join(value.split())

    @field_validator("oidc_domains")
    @classmethod
    def _domains(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [one for one in value if not _DOMAIN.fullmatch(one)]:
            raise ValueError(f"must be domains, as example.com without an @, and not {wrong[0]}")
        return tuple(one.lower() for one in value)

    @model_validator(mode="after")
    def _all_of_single_sign_on(self) -> Self:
        needed = ("oidc_issuer", "oidc_client_id", "public_url")
        further = ("oidc_client_secret", "oidc_domains", "oidc_team")
        given = [name for name in (*needed[:2], *further) if getattr(self, name)]
        for name in needed:
            if given and not getattr(self, name):
                variable, because = (f"{PREFIX}{one.upper()}" for one in (name, given[0]))
                raise ValueError(f"{variable} is missing, which {because} needs")
        return self

    @field_validator("egress_allow", "trusted_proxies", mode="before")
    @classmethod
    def _networks(cls, value: Any) -> Any:
        return tuple(ip_network(part) for part in _comma_separated(value))

    @field_validator("trusted_proxies")
    @classmethod
    def _not_everybody(cls, value: tuple[Network, ...]) -> tuple[Network, ...]:
        """Several networks may be everybody together, of IPv4 or of IPv6."""
        together: tuple[Network, ...] = (
            *collapse_addresses(one for one in value if isinstance(one, IPv4Network)),
            *collapse_addresses(one for one in value if isinstance(one, IPv6Network)),
        )
        if wide := [str(one) for one in together if not one.prefixlen]:
            raise ValueError(f"must not be {wide[0]} in all: then every caller could say from where it calls")
        return value

    @field_validator("egress_proxy")
    @classmethod
    def _a_proxy(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        found = _PROXY.fullmatch(value.get_secret_value())
        if not found or not 1 <= int(found[1] or 3128) <= 65_535:  # not quoted: it has a password
            raise ValueError(
                "must be http://host:port or http://user:password@host:port; in the user and the password "
                "write @ : / ? # [ ] and \\ as %40 and so on"
            )
        return value

    @field_validator("egress_ports", mode="before")
    @classmethod
    def _ranges(cls, value: Any) -> Any:
        """`443,8000-8999` as pairs of first and last port."""
        if not isinstance(value, str):
            return value
        found = []
        for part in (part.strip() for part in value.split(",") if part.strip()):
            first, _, last = part.partition("-")
            if not (
                first.isdecimal()
                and (last or first).isdecimal()
                and int(first) <= int(last or first) <= 65_535
            ):
                raise ValueError("must be ports and ranges of them, as in 80,443,8000-8999")
            found.append((int(first), int(last or first)))
        return tuple(found)

    @field_validator("bootstrap_token")
    @classmethod
    def _long_enough(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        token = value.get_secret_value().strip()  # a file that it was read from ends with a newline
        if not 16 <= len(token) <= 200 or not _TOKEN.fullmatch(token):
            raise ValueError("must be 16 to 200 characters long: letters, digits and -._~+/= (RFC 6750)")
        if token_text.is_mistyped(token):  # it would be refused wherever it is used
            raise ValueError("has the form of a token of Recuro, and is mistyped: its checksum is wrong")
        return SecretStr(token)

    @field_validator("encryption_key")
    @classmethod
    def _hard_to_guess(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        keys = [key.strip() for key in value.get_secret_value().split(",")]
        if any(len(key) < 32 for key in keys):
            raise ValueError(
                "must be 32 characters or longer, such as `openssl rand -hex 32` makes; old ones follow "
                "after commas, with none after the last"
            )
        return SecretStr(",".join(keys))


def load() -> Settings:
    """The settings of this process; a wrong one ends the process with one line that names it."""
    try:
        return Settings()
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        name = "_".join(str(part) for part in problem["loc"][:1]).upper()
        which = f"{PREFIX}{name} is wrong: " if name else ""  # nothing: one that another needs is missing
        sys.exit(which + problem["msg"].removeprefix("Value error, "))


def unknown(environment: Mapping[str, str] = os.environ) -> dict[str, str | None]:
    """Variables with our prefix that nothing reads, each with the one that was probably meant."""
    known = [*map(str.upper, Settings.model_fields), *READ_BY_OTHERS]
    strange = {
        name: name.upper().removeprefix(PREFIX) for name in environment if name.upper().startswith(PREFIX)
    }
    return {
        name: next((PREFIX + near for near in get_close_matches(rest, known, 1)), None)
        for name, rest in sorted(strange.items())
        if rest not in known
    }
