"""Every knob of the app, read once at cold start from the app settings (environment variables)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class SettingsError(Exception):
    """An app setting is missing or wrong; the message names it and the fix. Nothing can run before it is mended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One frozen value with all app settings.

    Those that begin with `SLIPWAY_SECRET_` are not among them: they are there for release specs to name, and are read
    when they are needed.
    """

    data: Path | None
    """`SLIPWAY_DATA`: folder of the embedded store and queue. Set, it replaces Table Storage and Service Bus."""
    tables_endpoint: str | None
    """`SLIPWAY_TABLES_ENDPOINT`: the storage account's table endpoint, used with the app's managed identity."""
    tables_connection: str | None
    """`SLIPWAY_TABLES_CONNECTION`: a connection string instead, for accounts without identities."""
    tables_name: str
    """`SLIPWAY_TABLE`: the table's name."""
    service_bus_namespace: str | None
    """`ServiceBus__fullyQualifiedNamespace`: the namespace, used with the app's managed identity."""
    service_bus_connection: str | None
    """`ServiceBus`: a connection string instead."""
    commands_queue: str
    """`SLIPWAY_COMMANDS_QUEUE`: the queue with sessions that wakes applications."""
    alerts_queue: str
    """`SLIPWAY_ALERTS_QUEUE`: the queue without sessions that action groups put alerts on."""
    management_url: str | None
    """`SLIPWAY_MANAGEMENT_URL`: the Azure management API; the public cloud's when unset."""
    metrics_url: str | None
    """`SLIPWAY_METRICS_URL`: the metrics API; that of each target's region when unset."""
    logs_url: str | None
    """`SLIPWAY_LOGS_URL`: the API of Log Analytics; the public cloud's when unset."""
    access_token: str | None
    """`SLIPWAY_ACCESS_TOKEN`: a bearer token for all of them instead of the app's identity, for clouds without one."""
    allow_http: bool
    """`SLIPWAY_ALLOW_HTTP`: `true` lets the URLs above and the probes be plain http."""
    operator_keys: Mapping[str, str]
    """`SLIPWAY_KEYS`: `name=key;name=key`; the name is who history says it was."""
    source_keys: Mapping[str, str]
    """`SLIPWAY_SOURCE_KEYS`: `source=key;...`; each good only for `/api/events/{source}`, that of the source
    `observations` only for `/api/observations`."""

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Read the settings. Raises `SettingsError` naming the first that is missing or wrong."""
        data = env.get("SLIPWAY_DATA")
        settings = cls(
            data=Path(data) if data else None,
            tables_endpoint=env.get("SLIPWAY_TABLES_ENDPOINT"),
            tables_connection=env.get("SLIPWAY_TABLES_CONNECTION"),
            tables_name=env.get("SLIPWAY_TABLE", "slipway"),
            service_bus_namespace=env.get("ServiceBus__fullyQualifiedNamespace"),
            service_bus_connection=env.get("ServiceBus"),
            commands_queue=env.get("SLIPWAY_COMMANDS_QUEUE", "slipway-commands"),
            alerts_queue=env.get("SLIPWAY_ALERTS_QUEUE", "slipway-alerts"),
            management_url=env.get("SLIPWAY_MANAGEMENT_URL"),
            metrics_url=env.get("SLIPWAY_METRICS_URL"),
            logs_url=env.get("SLIPWAY_LOGS_URL"),
            access_token=env.get("SLIPWAY_ACCESS_TOKEN"),
            allow_http=_flag(env, "SLIPWAY_ALLOW_HTTP"),
            operator_keys=_keys(env, "SLIPWAY_KEYS"),
            source_keys=_keys(env, "SLIPWAY_SOURCE_KEYS"),
        )
        settings.check()
        return settings

    def check(self) -> None:
        """Raise `SettingsError` when no store or no queue is named."""
        if self.data is not None:
            return
        if not (self.tables_endpoint or self.tables_connection):
            raise SettingsError(
                "no store: set SLIPWAY_TABLES_ENDPOINT (or SLIPWAY_TABLES_CONNECTION), or SLIPWAY_DATA for a folder"
            )
        if not (self.service_bus_namespace or self.service_bus_connection):
            raise SettingsError("no queue: set ServiceBus__fullyQualifiedNamespace (or ServiceBus)")


def _flag(env: Mapping[str, str], name: str) -> bool:
    text = env.get(name, "false").strip().lower()
    if text not in ("true", "false"):
        raise SettingsError(f"{name} is '{text}'; allowed is true or false")
    return text == "true"


def _keys(env: Mapping[str, str], name: str) -> dict[str, str]:
    keys: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in env.get(name, "").split(";"))):
        owner, separator, key = part.partition("=")
        if not separator or not owner.strip() or len(key.strip()) < 16:
            raise SettingsError(f"{name}: an entry is not `name=key` with a key of at least 16 characters")
        keys[owner.strip()] = key.strip()
    return keys
