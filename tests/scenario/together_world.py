"""Several applications in one world: sites where slots are swapped, and apps where two places take turns."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from shared.bootstrap import Keeping
from shared.domain.names import ApplicationName, CommandId, ReleaseId, RolloutId, Version
from shared.domain.rollout.commands import Action, Alert
from shared.domain.rollout.spec import Place, Spec, Target
from shared.wire.release_requests import parse_release, parse_release_override
from shared.wire.spec import parse_spec
from tests.scenario.world import SITE, SPEC, World

STEPS = {"db": "[50]", "api": "[5, 25, 50]", "web": "[10, 50]"}
"""How the applications of these tests go on, each in its own way."""
WHOLE = ReleaseId("autumn")


def spec_of(name: str, steps: str, *, more: str = "") -> str:
    """A release spec: `web` is an app whose places take turns, the others are sites with slots."""
    text = SPEC.replace("application: shop", f"application: {name}").replace("sites/shop", f"sites/{name}")
    text = text.replace("[5, 25, 50]", steps) + more
    if name != "web":
        return text
    app = SITE.replace("Microsoft.Web/sites/shop", "Microsoft.App/containerApps/web")
    slot = (
        f"{{name: web, kind: app-service-slot, resource: {SITE.replace('sites/shop', 'sites/web')}, slot: candidate}}"
    )
    assert slot in text
    return text.replace(slot, f"{{name: web, kind: container-app, resource: {app}}}")


class TogetherWorld(World):
    """Version 1 of each application is live; version 2 of each stands beside it, deployed and well."""

    def __init__(
        self,
        folder: Path,
        *names: str,
        change: Callable[[Keeping], Keeping] = lambda keeping: keeping,
        steps: Mapping[str, str] = MappingProxyType({}),
        **more: str,
    ) -> None:
        """`more` is added to the spec of an application, by its name; `steps` are its own instead of the usual ones."""
        self.names = names
        ways = STEPS | dict(steps)
        first, *others = (spec_of(name, ways[name], more=more.get(name, "")) for name in names)
        super().__init__(folder, first, change=change)
        self.specs: dict[str, Spec] = {names[0]: self.spec}
        for name, text in zip(names[1:], others, strict=True):
            self.specs[name] = parse_spec(text.encode(), "application/yaml")
            self.app.intake.accept_spec(self.specs[name], "test")
            self.site.deploy(self.target_of(name), Place.PRODUCTION, "1")
        for name in names:
            self.put(name, "2")

    def target_of(self, name: str) -> Target:
        return self.specs[name].targets[0]

    def put(self, name: str, version: str, **options: Any) -> None:
        """CI puts a version into an application's free place, and says nothing."""
        self.site.deploy(self.target_of(name), Place.CANDIDATE, version, **options)

    def hurt(self, name: str) -> None:
        """Let users meet errors where version 2 of an application is."""
        target = self.target_of(name)
        for place in Place:
            if self.site.read_version(target, place) == "2":
                self.site.deploy(target, place, "2", error_rate=0.5)

    def release(self, deadline: str = "1h", **fields: Any) -> ReleaseId:
        """Somebody asks to release version 2 of all."""
        members = [{"application": name, "version": "2"} for name in self.names]
        body = {"id": WHOLE, "members": members, "deadline": deadline, **fields}
        request = parse_release({}, json.dumps(body).encode(), new_id=lambda: uuid4().hex)
        self.app.releases.accept(request, "alice")
        return request.id

    def steer(self, action: str, reason: str = "", command: str | None = None) -> None:
        request = parse_release_override(action, json.dumps({"reason": reason}).encode())
        self.app.releases.accept_override(WHOLE, request, by="alice", command_id=CommandId(command or uuid4().hex))

    def whole(self) -> dict[str, Any]:
        return self.app.releases.view(WHOLE)

    def member(self, name: str) -> dict[str, Any]:
        return next(member for member in self.whole()["members"] if member["application"] == name)

    def rollout_of(self, name: str) -> RolloutId:
        return self.member(name)["rollout"]

    def told(self, name: str) -> list[str]:
        """The types of an application's history of its rollout."""
        begun = self.whole()["phase"] != "pending" and self.member(name)["standing"] != "expected"
        return self.happened(self.rollout_of(name)) if begun else []

    def lines(self) -> list[dict[str, Any]]:
        return self.app.releases.history(WHOLE, 0)["events"]

    def steps_of(self, name: str) -> list[tuple]:
        """When the rollout entered which weight: the times of `StepEntered` that a shift or a promotion followed."""
        view = self.rollout(self.rollout_of(name))
        entered = [line for line in self.events(view["id"]) if line["type"] == "StepEntered"]
        return [(line["at"], view["plan"][line["step"]]) for line in entered]

    def shares(self) -> dict[str, float]:
        return {name: self.site.read_share(self.target_of(name)) / 1000 for name in self.names}

    def served(self) -> dict[str, str]:
        """What most users of each application meet."""
        return {name: self._served(self.target_of(name)) for name in self.names}

    def _served(self, target: Target) -> str:
        most = self.site.read_share(target) > 50_000
        return self.site.read_version(target, Place.CANDIDATE if most else Place.PRODUCTION)

    def run_to_the_end(self, limit: timedelta = timedelta(hours=12)) -> str:
        self.run_until(lambda: self.whole()["ended"] is not None, limit)
        self.run_for(timedelta(minutes=10))
        return self.whole()["phase"]

    def order_back(self) -> list[str]:
        """The applications in the order in which they began to go back, and the release said so."""
        return [line["application"] for line in self.lines() if line["type"] == "MemberAskedBack"]

    def respec_alone(self, name: str, more: str) -> None:
        """Add something to the spec of one application, from its next rollout on."""
        self.specs[name] = parse_spec(spec_of(name, STEPS[name], more=more).encode(), "application/yaml")
        self.app.intake.accept_spec(self.specs[name], "test")

    def freeze(self, name: str) -> None:
        self.tell(name, "freeze")

    def tell(self, name: str, action: str) -> RolloutId | None:
        """A person steers one application by itself."""
        return self.app.intake.accept_override(
            ApplicationName(name), Action(action), reason="", by="bob", command_id=CommandId(uuid4().hex)
        )

    def announce_alone(self, name: str, version: str) -> RolloutId:
        application, command = ApplicationName(name), CommandId(uuid4().hex)
        return self.app.intake.accept_deployment(application, Version(version), command, "ci").rollout

    def alert_for(self, name: str) -> None:
        alert = Alert(
            id=CommandId(uuid4().hex),
            fired=True,
            rule="errors-high",
            severity="Sev1",
            resource="",
            description="",
            at=self.clock.now(),
        )
        self.app.intake.accept_alert_for(ApplicationName(name), alert)
