"""The sandbox's control API, for tries and tests; Slipway itself never calls it. No authorization, loopback only.

Bodies and answers are JSON. An unknown field or a wrong value is answered 400 with `{"error": {"code": "BadField",
"field", "message"}}`; an unknown site, app, slot or load 404; what cannot be just now (a swap is running) 409.

GET /sandbox/health
    {"status": "ok", "sites": ["shop"]}
GET /sandbox/sites/{site}
    {"site", "resource", "edge", "slots": [{"slot", "host", "version", "error_rate", "latency_ms", "running",
    "process"}], "rules": [{"name", "host_name", "percentage"}], "swap"}. swap is the newest one or null: {"id",
    "source", "destination", "seconds", "phase": running|done|failed, "ended", "doomed", "why"}.
POST /sandbox/sites/{site}/slots/{slot}/deploy {"version", "error_rate"?, "latency_ms"?}
    Answers with the slot once the new version is healthy and serves; 409 while a swap runs.
POST /sandbox/sites/{site}/slots/{slot}/kill
    Kills the slot's process with SIGKILL; it is started again.
GET /sandbox/sites/{site}/traffic
    {version: {"requests", "failures"}} since the very first start: what users met at the edge. Requests to a slot's
    own host, or that name their place by ?x-ms-routing-name=, are probes and do not count.
GET /sandbox/sites/{site}/pinned
    {"slots": {slot: n}, "versions": {version: n}}: routing cookies handed out in the last hour, so not yet expired.
    A client that sends its cookie back gets no new one and counts once; one that never keeps cookies counts with
    each request. `versions` says which version serves them now.
POST /sandbox/jobs/{job} {"containers"?, "seconds"?, "end"?, "accepts"?}
    Makes a Container Apps job, or changes how its next executions go: for `seconds` (1), to the end `Succeeded`,
    `Failed`, `Stopped`, `Degraded` or `Unknown`. `accepts`: a start is answered 202 without saying its execution's
    name. Answers {"resource", "executions"}. Jobs end with the sandbox's process.
POST /sandbox/jobs/{job}/end {"end"?}
    Ends what runs of it now. Answers as above.
POST /sandbox/load {"site", "rps", "seconds"?, "clients"?, "users"?, "visits"?, "requests"?, "path"?, "method"?,
                    "seed"?}
    202 with what GET answers. `seconds` 0 or missing: until stopped. `requests`: exactly so many, as fast as is
    sensible, instead of `rps`. `clients`: "fresh" (without cookies) or "sticky": `users` (50) that keep their cookie;
    with `visits`, each leaves after so many requests and a new one comes. `path`: /checkout unless said otherwise.
GET /sandbox/load/{id}
    {"id", "site", "sent", "answered", "failed", "skipped", "done", "error", "versions": {version: {"requests",
    "failures"}}, "minutes": {minute: the same, for two hours}}. Differences of `versions` tell what happened
    between two calls.
DELETE /sandbox/load/{id}
    Stops it and answers as GET does. Loads end with the sandbox's process.
POST /sandbox/faults {"on", "kind", "seconds"?, "count"?, "method"?, "path"?, "slot"?, "retry_after"?,
                      "delay_seconds"?, "applied"?}
    201. on management, metrics (logs too), swap, update or slot: "403", "429", "500", "502", "503", "504" at once;
    "timeout": no answer for 60 s; "hang": none until the fault is over. Only on swap, so on calls that begin or watch
    one: "slow-swap" (takes `delay_seconds`, 20, longer), "swap-conflict" (409), "swap-fails" (accepted, ends failed).
    Only on update, so on calls on Container Apps (see `local.cloud.app_control`), and there when one is begun:
    "slow-update", "update-conflict", "update-fails", alike. `slot` can be a revision.
    `seconds`: how long it is in force, 60; `count`: how many calls it hits at most; `path`: a part of the path;
    `slot`: only this slot; `applied`: the call is carried out, only its answer is lost.
GET /sandbox/faults
    {"faults": [...]}: those in force.
DELETE /sandbox/faults
    Ends them all; calls that hang are answered 504.
GET /sandbox/dns/{name}, GET /sandbox/profiles/{profile}, POST /sandbox/profiles/{profile}/endpoints/{endpoint}
    The name server of Traffic Manager profiles, and their health: see `local.cloud.traffic_manager.control`.
GET /sandbox/metrics, POST /sandbox/metrics {"lag_seconds"}
    How long after its end a window gets its values, 0 to 3600; a row of the logs comes so late too.
"""

import os
import signal

from local.cloud.app_control import AppControl
from local.cloud.faults import Faults
from local.cloud.fields import BadFieldError, Fields
from local.cloud.http_json import ApiError, JsonCall, Reply
from local.cloud.instance import StartError
from local.cloud.jobs import JobsApi
from local.cloud.journal import Journal
from local.cloud.live_site import BusyError, LiveSite
from local.cloud.load import Load, Loads
from local.cloud.monitor import MetricsApi
from local.cloud.orders import read_deployment, read_fault, read_order
from local.cloud.reports import (
    describe_fault,
    describe_load,
    describe_pins,
    describe_site,
    describe_slot,
    describe_split,
)
from local.cloud.state import Slot
from local.cloud.traffic_manager.control import NamesApi

LAG_SETTING = "lag_seconds"


class ControlApi:
    """Answers the calls that the module's docstring lists."""

    def __init__(
        self,
        sites: dict[str, LiveSite],
        jobs: JobsApi,
        loads: Loads,
        faults: Faults,
        metrics: MetricsApi,
        journal: Journal,
        names: NamesApi,
        apps: AppControl,
    ) -> None:
        self._sites = sites
        self._jobs = jobs
        self._loads = loads
        self._faults = faults
        self._metrics = metrics
        self._journal = journal
        self._names = names
        self._apps = apps

    async def answer(self, call: JsonCall) -> Reply:
        """Carry out one call. Raises `ApiError`."""
        try:
            return await self._dispatch(call)
        except BadFieldError as error:
            return Reply(400, {"error": {"code": "BadField", "field": error.field, "message": str(error)}})
        except BusyError as error:
            raise ApiError(409, "Conflict", str(error)) from error
        except StartError as error:
            raise ApiError(409, "DidNotStart", str(error)) from error

    async def _dispatch(self, call: JsonCall) -> Reply:
        match call.method, call.segments[1:]:
            case "GET", ["health"]:
                return Reply(200, {"status": "ok", "sites": list(self._sites)})
            case method, ["sites", name, *rest]:
                return await self._on_site(self._find_site(name), method, rest, call)
            case _, ["jobs", *_]:
                return self._jobs.control(call)
            case _, ["dns" | "profiles", *_]:
                return self._names.answer(call)
            case _, ["apps", *rest]:
                return await self._apps.answer(call, rest, taken=frozenset(self._sites))
            case method, ["load", *rest]:
                return await self._on_load(method, rest, call)
            case method, ["faults"]:
                return self._on_faults(method, call)
            case method, ["metrics"]:
                return self._on_metrics(method, call)
        raise _no_such_call(call)

    async def _on_site(self, site: LiveSite, method: str, rest: list[str], call: JsonCall) -> Reply:
        match method, rest:
            case "GET", []:
                return Reply(200, describe_site(site))
            case "GET", ["traffic"]:
                return Reply(200, describe_split(site.traffic))
            case "GET", ["pinned"]:
                return Reply(200, describe_pins(site))
            case "POST", ["slots", name, "deploy"]:
                slot = _find_slot(site, name)
                await site.deploy(slot.name, read_deployment(call.body))
                return Reply(200, describe_slot(site, _find_slot(site, name)))
            case "POST", ["slots", name, "kill"]:
                return _kill(site, _find_slot(site, name))
        raise _no_such_call(call)

    async def _on_load(self, method: str, rest: list[str], call: JsonCall) -> Reply:
        match method, rest:
            case "POST", []:
                order = read_order(call.body)
                load = self._loads.start(order, self._port_of(order.site))
                return Reply(202, describe_load(load), {"Location": f"/sandbox/load/{load.id}"})
            case "GET", [load_id]:
                return Reply(200, describe_load(self._find_load(load_id)))
            case "DELETE", [load_id]:
                load = self._find_load(load_id)
                await load.stop()
                return Reply(200, describe_load(load))
        raise _no_such_call(call)

    def _on_faults(self, method: str, call: JsonCall) -> Reply:
        match method:
            case "POST":
                fault = read_fault(call.body, self._faults.next_id())
                self._faults.add(fault)
                return Reply(201, describe_fault(fault))
            case "GET":
                return Reply(200, {"faults": [describe_fault(fault) for fault in self._faults.in_force()]})
            case "DELETE":
                self._faults.clear()
                return Reply(200, {"faults": []})
        raise _no_such_call(call)

    def _on_metrics(self, method: str, call: JsonCall) -> Reply:
        match method:
            case "POST":
                self._metrics.lag_seconds = Fields(call.body, "lag_seconds").number("lag_seconds", 0, 3600)
                self._journal.save_setting(LAG_SETTING, self._metrics.lag_seconds)
            case "GET":
                pass
            case _:
                raise _no_such_call(call)
        return Reply(200, {"lag_seconds": self._metrics.lag_seconds})

    def _find_site(self, name: str) -> LiveSite:
        site = self._sites.get(name.lower())
        if site is None:
            raise ApiError(404, "NotFound", f"there is no site {name}; there are {', '.join(self._sites)}")
        return site

    def _port_of(self, name: str) -> int:
        """Return the port of the edge of a site or an app."""
        app = self._apps.find(name)
        return app.state.port if app is not None else self._find_site(name).state.slots[0].port

    def _find_load(self, load_id: str) -> Load:
        load = self._loads.loads.get(load_id)
        if load is None:
            raise ApiError(404, "NotFound", f"there is no load {load_id}; loads end with the sandbox's process")
        return load


def _find_slot(site: LiveSite, name: str) -> Slot:
    slot = site.state.slot(name)
    if slot is None:
        known = ", ".join(slot.name for slot in site.state.slots)
        raise ApiError(404, "NotFound", f"site {site.state.name} has no slot {name}; it has {known}")
    return slot


def _kill(site: LiveSite, slot: Slot) -> Reply:
    process = site.instances[slot.name].process_id
    if process is None:
        raise ApiError(409, "Conflict", f"slot {slot.name} has no process just now")
    os.kill(process, signal.SIGKILL)
    return Reply(200, {"killed": process})


def _no_such_call(call: JsonCall) -> ApiError:
    return ApiError(404, "NotFound", f"there is no {call.method} {call.path}")
