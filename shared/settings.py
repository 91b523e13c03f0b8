"""Every knob of the app, read once at cold start from the app settings (environment variables)."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from shared.domain.rollout.app_settings import FOR_SPECS, may_be_sent

CLUSTERS: Final = "SLIPWAY_KUBERNETES_CLUSTERS"
FLAG_ENVIRONMENTS: Final = "SLIPWAY_FLAG_ENVIRONMENTS"
FLAG_DISTRIBUTION: Final = "SLIPWAY_FLAG_DISTRIBUTION"
FLAG_KEYS: Final = "SLIPWAY_FLAG_KEYS"
FLAG_MAX_AGE: Final = "SLIPWAY_FLAG_MAX_AGE"
EVALUATIONS: Final = "SLIPWAY_EVALUATIONS_PER_SECOND"
WEB_ORIGINS: Final = "SLIPWAY_WEB_ORIGINS"
LAUNCHDARKLY: Final = "https://app.launchdarkly.com"
MOST_APPROVALS: Final = 10
_LAUNCHDARKLY_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,255}")
_ENVIRONMENT: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")


class SettingsError(Exception):
    """An app setting is missing or wrong; the message names it and the fix. Nothing can run before it is mended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesCluster:
    """A Kubernetes API server that may be called, and so may be given a token of ours."""

    server: str
    """Scheme, host and port as a URL, in lower case; no slash at its end."""
    ca: str = ""
    """The certificates, as PEM, that its own must be signed with; empty for those that the system trusts."""
    token_setting: str | None = None
    """The name of the app setting with a bearer token for it; None: a token of the app's identity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppConfigurationStore:
    """An Azure App Configuration store that an environment's flags are written to, with the app's identity."""

    endpoint: str
    """Its URL, without a slash at its end."""
    label: str | None = None
    """The label of the key-values; None: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchDarklyEnvironment:
    """An environment of a LaunchDarkly project whose flags follow ours."""

    project: str
    environment: str
    token_setting: str
    """The name of the app setting with an access token that may write flags there."""
    endpoint: str = LAUNCHDARKLY


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
    github_url: str | None
    """`SLIPWAY_GITHUB_URL`: the API of a GitHub server, `https://HOST/api/v3`; the public one's when unset."""
    address: str
    """`SLIPWAY_ADDRESS`, or what App Service says: where this app is reached from outside, for hooks that call back."""
    access_token: str | None
    """`SLIPWAY_ACCESS_TOKEN`: a bearer token for all of them instead of the app's identity, for clouds without one."""
    allow_http: bool
    """`SLIPWAY_ALLOW_HTTP`: `true` lets the URLs above and the probes be plain http."""
    release_windows: str
    """`SLIPWAY_RELEASE_WINDOWS`: a YAML or JSON list as `releaseWindows` of a spec, in force for all applications."""
    operator_keys: Mapping[str, str]
    """`SLIPWAY_KEYS`: `name=key;name=key`; the name is who history says it was."""
    source_keys: Mapping[str, str]
    """`SLIPWAY_SOURCE_KEYS`: `source=key;...`; each good only for `/api/events/{source}`, that of the source
    `observations` only for `/api/observations`, `flagger` for `/api/flagger`, and `hooks/{application}`, or `hooks` for
    all applications, for `/api/callbacks/hooks`."""
    flag_environments: Mapping[str, int]
    """`SLIPWAY_FLAG_ENVIRONMENTS`: `production=2;test=0`: where flags are served, and how many people beside the author
    want a change of a flag there before it is made. The first is meant where none is named; `production` when unset."""
    flag_keys: Mapping[str, str]
    """`SLIPWAY_FLAG_KEYS`: `environment/name=key;...`: keys that are good for evaluating the flags of one environment,
    and for nothing else."""
    flag_distribution: Mapping[str, AppConfigurationStore | LaunchDarklyEnvironment]
    """`SLIPWAY_FLAG_DISTRIBUTION`: `{"production": {"kind": "app-configuration", "endpoint": "https://x.azconfig.io",
    "label": "..."}, "test": {"kind": "launchdarkly", "project": "...", "environment": "...", "tokenSetting":
    "SLIPWAY_SECRET_..."}}`: where the flags of an environment are written to beside being served here. `label` may be
    missing; of LaunchDarkly an `endpoint` is for its other instances (`https://app.eu.launchdarkly.com`)."""
    flag_max_age: float
    """`SLIPWAY_FLAG_MAX_AGE`: how many seconds a worker serves flags before it asks whether they changed."""
    evaluations_per_second: float
    """`SLIPWAY_EVALUATIONS_PER_SECOND`: how many evaluations the keys of an environment may ask of one worker in a
    second, on average; 0, the default, is no limit."""
    web_origins: frozenset[str]
    """`SLIPWAY_WEB_ORIGINS`: `https://shop.example.org;...`: whose pages may evaluate flags in a browser; `*`: all."""
    region: str
    """`SLIPWAY_REGION`, or what App Service says, in lower case without spaces: what flags take for the region of who
    does not say where they ask from."""
    kubernetes_clusters: tuple[KubernetesCluster, ...]
    """`SLIPWAY_KUBERNETES_CLUSTERS`: `[{"server": "https://...", "ca": "<base64 of PEM>", "tokenSetting":
    "SLIPWAY_SECRET_..."}]`. A spec names a server by its URL: no other than these gets a token."""

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Read the settings. Raises `SettingsError` naming the first that is missing or wrong."""
        data = env.get("SLIPWAY_DATA")
        allow_http = _flag(env, "SLIPWAY_ALLOW_HTTP")
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
            github_url=env.get("SLIPWAY_GITHUB_URL"),
            address=_address(env),
            access_token=env.get("SLIPWAY_ACCESS_TOKEN"),
            allow_http=allow_http,
            release_windows=env.get("SLIPWAY_RELEASE_WINDOWS", ""),
            operator_keys=_keys(env, "SLIPWAY_KEYS"),
            source_keys=_keys(env, "SLIPWAY_SOURCE_KEYS"),
            flag_environments=_environments(env),
            flag_keys=_keys(env, FLAG_KEYS),
            flag_distribution=_distribution(env, allow_http=allow_http),
            flag_max_age=_number(env, FLAG_MAX_AGE, default=5.0, at_most=3600, of="seconds"),
            evaluations_per_second=_number(env, EVALUATIONS, default=0.0, at_most=100_000, of="evaluations"),
            web_origins=_origins(env),
            region=env.get("SLIPWAY_REGION", env.get("REGION_NAME", "")).replace(" ", "").lower(),
            kubernetes_clusters=_clusters(env, allow_http=allow_http),
        )
        settings.check()
        return settings

    def check(self) -> None:
        """Raise `SettingsError` when no store or no queue is named, or a key is for an environment that is none."""
        for owner in self.flag_keys:
            environment, separator, name = owner.partition("/")
            if not separator or not name or environment not in self.flag_environments:
                known = ", ".join(self.flag_environments)
                raise SettingsError(f"{FLAG_KEYS}: '{owner}' is not `environment/name`; environments are {known}")
        for name in self.flag_distribution:
            if name not in self.flag_environments:
                known = ", ".join(self.flag_environments)
                raise SettingsError(f"{FLAG_DISTRIBUTION}: '{name[:40]}' is no environment; environments are {known}")
        if self.data is not None:
            return
        if not (self.tables_endpoint or self.tables_connection):
            raise SettingsError(
                "no store: set SLIPWAY_TABLES_ENDPOINT (or SLIPWAY_TABLES_CONNECTION), or SLIPWAY_DATA for a folder"
            )
        if not (self.service_bus_namespace or self.service_bus_connection):
            raise SettingsError("no queue: set ServiceBus__fullyQualifiedNamespace (or ServiceBus)")


def _address(env: Mapping[str, str]) -> str:
    host = env.get("WEBSITE_HOSTNAME", "")
    address = env.get("SLIPWAY_ADDRESS", f"https://{host}" if host else "").rstrip("/")
    if address and not address.startswith(("https://", "http://")):
        raise SettingsError(f"SLIPWAY_ADDRESS is '{address}'; allowed is a URL such as https://slipway.example.org")
    return address


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


def _environments(env: Mapping[str, str]) -> dict[str, int]:
    """Read the environments of flags, in their order."""
    approvals: dict[str, int] = {}
    for part in filter(None, (part.strip() for part in env.get(FLAG_ENVIRONMENTS, "production").split(";"))):
        name, _, count = (piece.strip() for piece in part.partition("="))
        if not _ENVIRONMENT.fullmatch(name) or name in approvals:
            raise SettingsError(
                f"{FLAG_ENVIRONMENTS}: '{name[:40]}' is no name of an environment, or stands there twice; "
                "allowed are lower-case letters, digits and inner hyphens, at most 32 characters"
            )
        if count and (not count.isascii() or not count.isdigit() or float(count) > MOST_APPROVALS):
            raise SettingsError(f"{FLAG_ENVIRONMENTS}: '{name}' asks for '{count[:20]}' approvals; allowed is 0 to 10")
        approvals[name] = int(float(count or 0))
    if not approvals:
        raise SettingsError(f"{FLAG_ENVIRONMENTS} names no environment; allowed is such as production=2;test=0")
    return approvals


def _distribution(
    env: Mapping[str, str], *, allow_http: bool
) -> dict[str, AppConfigurationStore | LaunchDarklyEnvironment]:
    text = env.get(FLAG_DISTRIBUTION, "").strip()
    if not text:
        return {}
    allowed = (
        f'{FLAG_DISTRIBUTION} is no JSON object; allowed is {{"production": {{"kind": "app-configuration", ...}}}}'
    )
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError(allowed) from error
    if not isinstance(entries, dict):
        raise SettingsError(allowed)
    return {
        name: _destination(f"{FLAG_DISTRIBUTION}.{name[:40]}", entries[name], allow_http=allow_http) for name in entries
    }


_DESTINATIONS: Final = {
    "app-configuration": (("kind", "endpoint"), ("label",)),
    "launchdarkly": (("kind", "project", "environment", "tokenSetting"), ("endpoint",)),
}
"""The members that each kind must have, and those that it may have."""


def _destination(where: str, entry: Any, *, allow_http: bool) -> AppConfigurationStore | LaunchDarklyEnvironment:
    kind = entry.get("kind") if isinstance(entry, dict) else None
    if not isinstance(kind, str) or kind not in _DESTINATIONS:
        raise SettingsError(f"{where}.kind must be {' or '.join(_DESTINATIONS)}")
    needed, optional = _DESTINATIONS[kind]
    for name, value in entry.items():
        if name not in (*needed, *optional):
            raise SettingsError(f"{where}: unknown member '{name[:50]}'; allowed are {', '.join((*needed, *optional))}")
        if not isinstance(value, str) or not value.strip():
            raise SettingsError(f"{where}.{name} is no text")
    for name in needed:
        if name not in entry:
            raise SettingsError(f"{where}.{name} is missing")
    if kind == "app-configuration":
        endpoint = _endpoint(where, entry["endpoint"], "https://shop.azconfig.io", allow_http=allow_http)
        return AppConfigurationStore(endpoint=endpoint, label=entry.get("label"))
    for name in ("project", "environment"):
        if not _LAUNCHDARKLY_KEY.fullmatch(entry[name]):
            raise SettingsError(f"{where}.{name} is no key of LaunchDarkly: letters, digits, '.', '_' and '-'")
    if not may_be_sent(entry["tokenSetting"]):
        raise SettingsError(f"{where}.tokenSetting must name an app setting that begins with {FOR_SPECS}")
    endpoint = _endpoint(where, entry.get("endpoint", LAUNCHDARKLY), LAUNCHDARKLY, allow_http=allow_http)
    return LaunchDarklyEnvironment(
        project=entry["project"],
        environment=entry["environment"],
        token_setting=entry["tokenSetting"],
        endpoint=endpoint,
    )


def _endpoint(where: str, text: str, example: str, *, allow_http: bool) -> str:
    endpoint = text.lower().rstrip("/")
    schemes = ("https", "http") if allow_http else ("https",)
    try:
        parts = urlsplit(endpoint)
        is_one = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one or endpoint != f"{parts.scheme}://{parts.netloc}" or "@" in endpoint:
        raise SettingsError(
            f"{where}.endpoint must be {' or '.join(schemes)}, a host and nothing more, such as {example}"
        )
    return endpoint


def _number(env: Mapping[str, str], name: str, *, default: float, at_most: int, of: str) -> float:
    text = env.get(name, "").strip()
    try:
        number = float(text) if text else default
    except ValueError:
        number = -1.0
    if not 0 <= number <= at_most:
        raise SettingsError(f"{name} is '{text[:40]}'; allowed is a number of {of} from 0 to {at_most}")
    return number


def _origins(env: Mapping[str, str]) -> frozenset[str]:
    origins = {part.strip().lower() for part in env.get(WEB_ORIGINS, "").split(";") if part.strip()}
    for origin in origins - {"*"}:
        if not _is_origin(origin):
            several = "; several are divided by ;" if {" ", ","} & {*origin} else ""
            raise SettingsError(
                f"{WEB_ORIGINS}: '{origin[:80]}' is no origin such as https://shop.example.org, or *{several}"
            )
    return frozenset(origins)


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("https", "http") and text == f"{parts.scheme}://{parts.netloc}" and bool(parts.hostname)
    except ValueError:
        return False


def _clusters(env: Mapping[str, str], *, allow_http: bool) -> tuple[KubernetesCluster, ...]:
    text = env.get(CLUSTERS, "").strip()
    if not text:
        return ()
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SettingsError(f'{CLUSTERS} is no JSON; allowed is [{{"server": "https://..."}}, ...]') from error
    if not isinstance(entries, list):
        raise SettingsError(f'{CLUSTERS} is no list; allowed is [{{"server": "https://..."}}, ...]')
    clusters = tuple(_cluster(f"{CLUSTERS}[{at}]", entry, allow_http=allow_http) for at, entry in enumerate(entries))
    servers = [cluster.server for cluster in clusters]
    for at, server in enumerate(servers):
        if server in servers[:at]:
            raise SettingsError(f"{CLUSTERS}[{at}].server is named twice; name each server once")
    return clusters


def _cluster(where: str, entry: Any, *, allow_http: bool) -> KubernetesCluster:
    allowed = ("server", "ca", "tokenSetting")
    if not isinstance(entry, dict):
        raise SettingsError(f"{where} is no object with {', '.join(allowed)}")
    for name, value in entry.items():
        if name not in allowed:
            raise SettingsError(f"{where}: unknown member '{name[:50]}'; allowed are {', '.join(allowed)}")
        if not isinstance(value, str):
            raise SettingsError(f"{where}.{name} is no text")
    token_setting = entry.get("tokenSetting")
    if token_setting is not None and not may_be_sent(token_setting):
        raise SettingsError(f"{where}.tokenSetting must name an app setting that begins with {FOR_SPECS}")
    return KubernetesCluster(
        server=_server(where, entry.get("server", ""), allow_http=allow_http),
        ca=_certificates(where, entry.get("ca", "")),
        token_setting=token_setting,
    )


def _server(where: str, text: str, *, allow_http: bool) -> str:
    schemes = ("https", "http") if allow_http else ("https",)
    try:
        parts = urlsplit(text)
        is_server = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_server = False
    if not is_server or text.lower().rstrip("/") != f"{parts.scheme}://{parts.netloc.lower()}" or "@" in text:
        raise SettingsError(
            f"{where}.server must be {' or '.join(schemes)}, a host, perhaps a port, and nothing more, "
            "such as https://shop-dns-1a2b3c.hcp.westeurope.azmk8s.io:443"
        )
    return text.lower().rstrip("/")


def _certificates(where: str, text: str) -> str:
    try:
        pem = base64.b64decode(text, validate=True).decode("ascii")
    except ValueError:
        pem = "no certificate"
    if pem and "-----BEGIN CERTIFICATE-----" not in pem:
        raise SettingsError(
            f"{where}.ca must be the base64 of PEM certificates: certificate-authority-data of a kubeconfig"
        )
    return pem
