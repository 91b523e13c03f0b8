"""The sandbox's control API for Container Apps; errors as for sites.

POST /sandbox/apps {"app", "version"?, "error_rate"?, "latency_ms"?, "mode"?, "sticky"?}
    201 with what GET answers. `mode`: single (as in Azure where nothing is said) or multiple; `sticky`: session
    affinity is on. Its first revision serves `version`, 1; traffic says latestRevision: true.
GET /sandbox/apps/{app}
    {"app", "resource", "edge", "mode", "sticky", "revisions": [{"revision", "host", "version", "error_rate",
    "latency_ms", "image", "active", "provisioning", "process"}], "weights": {revision: percentage in force}}
POST /sandbox/apps/{app}/revisions {"version", "error_rate"?, "latency_ms"?, "suffix"?, "image"?,
                                    "provision_seconds"?, "fails"?, "settings"?}
    Answers with the revision once it serves; with `provision_seconds` at once, and it serves so much later; with
    `fails` its provisioning ends failed. `suffix`: its name is app--suffix, a number where nothing is said. `image`:
    registry.example/app:version. `settings`: its environment variables, shown at /settings. In single mode, or while
    traffic says latestRevision: true, it then gets everyone.
GET /sandbox/apps/{app}/traffic
    {version: {"requests", "failures"}}: what users met at the app's own host. A load takes an app's name for `site`.
"""

from dataclasses import asdict
from typing import Any

from local.cloud.app_state import Config, Mode, Revision
from local.cloud.apps import Apps
from local.cloud.container_apps import resource_id
from local.cloud.fields import BadFieldError, Fields
from local.cloud.http_json import ApiError, JsonCall, Reply
from local.cloud.live_app import LiveApp
from local.cloud.reports import describe_split
from local.cloud.state import Deployment

_NAME = "must be 2 to 32 lower-case letters, digits and dashes"


class AppControl:
    """Answers the calls that the module's docstring lists."""

    def __init__(self, apps: Apps, subscription: str, group: str) -> None:
        self._apps = apps
        self._place = (subscription, group)

    def find(self, name: str) -> LiveApp | None:
        """Return the app of that name, in any case, or None."""
        return self._apps.live.get(name.lower())

    async def answer(self, call: JsonCall, rest: list[str], *, taken: frozenset[str]) -> Reply:
        """Carry out one call below /sandbox/apps; `taken` are names that no app may have. Raises `ApiError`."""
        match call.method, rest:
            case "POST", []:
                return Reply(201, _describe(await self._create(call.body, taken)))
            case "GET", [name]:
                return Reply(200, _describe(self._find(name)))
            case "GET", [name, "traffic"]:
                return Reply(200, describe_split(self._find(name).traffic))
            case "POST", [name, "revisions"]:
                app = self._find(name)
                return Reply(200, _describe_revision(app, await self._deploy(app, call.body)))
        raise ApiError(404, "NotFound", f"there is no {call.method} {call.path}")

    async def _create(self, body: Any, taken: frozenset[str]) -> LiveApp:
        fields = Fields(body, "app", "version", "error_rate", "latency_ms", "mode", "sticky")
        name = _name(fields, "app")
        if name in taken:
            raise BadFieldError("app", "must not be the name of a site")
        config = Config(mode=Mode(fields.choice("mode", ("single", "multiple"), "single").capitalize()))
        if fields.flag("sticky"):
            config = Config(mode=config.mode, sticky=True)
        return await self._apps.create(*self._place, name, config, _deployment(fields, "1"))

    async def _deploy(self, app: LiveApp, body: Any) -> Revision:
        known = ("version", "error_rate", "latency_ms", "suffix", "image", "provision_seconds", "fails", "settings")
        fields = Fields(body, *known)
        return await self._apps.deploy(
            app,
            _deployment(fields),
            suffix=_name(fields, "suffix") if "suffix" in body else "",
            image=fields.text("image", ""),
            takes=fields.number("provision_seconds", 0, 86_400, 0.0),
            doomed=fields.flag("fails"),
            settings=fields.texts("settings"),
        )

    def _find(self, name: str) -> LiveApp:
        app = self.find(name)
        if app is None:
            raise ApiError(404, "NotFound", f"there is no app {name}; there are {', '.join(self._apps.live) or 'none'}")
        return app


def _name(fields: Fields, field: str) -> str:
    name = fields.text(field)
    if not 2 <= len(name) <= 32 or not name.replace("-", "").isalnum() or name != name.lower():
        raise BadFieldError(field, _NAME)
    return name


def _deployment(fields: Fields, default: str | None = None) -> Deployment:
    return Deployment(
        fields.text("version", default),
        fields.number("error_rate", 0, 1, 0.0),
        fields.number("latency_ms", 0, 60_000, 0.0),
    )


def _describe(app: LiveApp) -> dict[str, Any]:
    state = app.state
    return {
        "app": state.name,
        "resource": resource_id(state),
        "edge": f"http://{state.host_name}",
        "mode": state.in_force.mode.value.lower(),
        "sticky": state.in_force.sticky,
        "revisions": [_describe_revision(app, each) for each in state.revisions],
        "weights": state.weights(),
    }


def _describe_revision(app: LiveApp, revision: Revision) -> dict[str, Any]:
    instance = app.instances.get(revision.name)
    return {
        "revision": revision.name,
        "host": revision.host_name,
        **asdict(revision.deployment),
        "image": revision.image,
        "active": revision.active,
        "provisioning": revision.provisioning.value,
        "process": instance.process_id if instance else None,
    }
