"""The flags of one LaunchDarkly project, as its REST API tells and patches them.

The shapes are those of the public reference of the API; of the instructions of a semantic patch it knows those that
Slipway sends, and refuses the others as it refuses what makes no sense.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any, Final

from local.cloud.flag_stores.serving import Call, Reply

SEMANTIC_PATCH: Final = "domain-model=launchdarkly.semanticpatch"
SANDBOX: Final = "api-4f1c-sandbox"
"""The access token that is good here."""
WHOLE: Final = 100_000


@dataclass(slots=True)
class LaunchDarklyStandIn:
    """One project; a token is good for all of it."""

    project: str = "shop"
    token: str = SANDBOX
    flags: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(self, key: str, *values: Any, environment: str = "production", **targeting: Any) -> dict[str, Any]:
        """Make a flag with a variation for each value; without values it is boolean."""
        listed = values or (True, False)
        flag = {
            "key": key,
            "name": key,
            "kind": "multivariate" if values else "boolean",
            "_version": 1,
            "variations": [
                {"_id": f"{key}-v{number}", "value": value, "name": json.dumps(value)}
                for number, value in enumerate(listed)
            ],
            "environments": {
                environment: {
                    "on": False,
                    "archived": False,
                    "salt": "5a1t",
                    "offVariation": len(listed) - 1,
                    "fallthrough": {"variation": 0},
                    "targets": [],
                    "contextTargets": [],
                    "rules": [],
                    "prerequisites": [],
                    "_environmentName": environment,
                    "version": 1,
                    **targeting,
                }
            },
        }
        self.flags[key] = flag
        return flag

    def answer(self, call: Call) -> Reply:
        """Answer one call."""
        if call.headers.get("authorization") != self.token:
            return _refusal(401, "unauthorized", "invalid access token")
        found = re.fullmatch(rf"/api/v2/flags/{re.escape(self.project)}/(.+)", call.path)
        flag = self.flags.get(found[1]) if found else None
        if flag is None:
            return _refusal(404, "not_found", "Unknown feature flag key")
        if call.method == "GET":
            named = call.query.get("env")
            kept = {name: each for name, each in flag["environments"].items() if named in (None, name)}
            return Reply(200, flag | {"environments": kept})
        if call.method != "PATCH" or SEMANTIC_PATCH not in call.headers.get("content-type", ""):
            return _refusal(400, "invalid_request", "not a semantic patch")
        return self._patch(flag, json.loads(call.body))

    def _patch(self, flag: dict[str, Any], body: dict[str, Any]) -> Reply:
        targeting = flag["environments"].get(body.get("environmentKey"))
        if targeting is None or not body.get("instructions"):
            return _refusal(400, "invalid_request", "environmentKey and instructions are required")
        changed = json.loads(json.dumps(targeting))
        try:
            for instruction in body["instructions"]:
                _carry_out(instruction, changed, [each["_id"] for each in flag["variations"]])
        except (KeyError, ValueError) as error:
            return _refusal(400, "invalid_request", f"{type(error).__name__}: {error}")
        changed["version"] += 1
        flag["environments"][body["environmentKey"]] = changed
        flag["_version"] += 1
        return Reply(200, flag)


def _carry_out(instruction: dict[str, Any], targeting: dict[str, Any], ids: list[str]) -> None:
    match instruction["kind"]:
        case "turnFlagOn" | "turnFlagOff" as kind:
            targeting["on"] = kind == "turnFlagOn"
        case "updateOffVariation":
            targeting["offVariation"] = ids.index(instruction["variationId"])
        case "updateFallthroughVariationOrRollout":
            targeting["fallthrough"] = _served(instruction, ids)
        case "updateRuleVariationOrRollout":
            rule = next(each for each in targeting["rules"] if each["_id"] == instruction["ruleId"])
            rule.pop("variation", None)
            rule.pop("rollout", None)
            rule.update(_served(instruction, ids))
        case other:
            raise ValueError(f"the instruction {other} is not known")


def _served(instruction: dict[str, Any], ids: list[str]) -> dict[str, Any]:
    if "variationId" in instruction:
        return {"variation": ids.index(instruction["variationId"])}
    weights = instruction["rolloutWeights"]
    if sum(weights.values()) != WHOLE:
        raise ValueError(f"the weights must sum to {WHOLE}")
    if not set(weights) <= set(ids):
        raise ValueError("a weight of no variation")
    rollout: dict[str, Any] = {
        "variations": [{"variation": number, "weight": weights.get(each, 0)} for number, each in enumerate(ids)],
        "contextKind": instruction.get("rolloutContextKind", "user"),
    }
    if "rolloutBucketBy" in instruction:
        rollout["bucketBy"] = instruction["rolloutBucketBy"]
    return {"rollout": rollout}


def _refusal(status: int, code: str, message: str) -> Reply:
    return Reply(status, {"code": code, "message": message})
