"""The webhooks of a Flagger analysis: waits become gates, news notifications, a first call a hook; the rest is said."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from shared.wire.findings import Part
from shared.wire.peers.accounts import Accounts
from shared.wire.peers.gates import endless_gate
from shared.wire.peers.measuring import slug_of
from shared.wire.peers.readings import an_object, entries, given, show, text
from shared.wire.web_addresses import parse_source_address

_MOST_NOTIFICATIONS: Final = 10
_MOST_CALLS: Final = 20
_FIRST_CALL: Final = "pre-rollout"
_NAMES_OF_MIGRATIONS: Final = frozenset({"expand", "contract"})
_NOT_ASKED: Final = (
    "a gate is not asked for but answered: with approve or reject at /api/applications/{application}/overrides. Or "
    "keep Flagger, and let it ask Slipway: /api/flagger/{application}/{type}"
)
_LEFT_OUT: Final = {
    "pre-rollout": (
        "a hook calls https addresses alone, with a body of its own and no metadata",
        "left out. Test the candidate in CI, before it is announced at /api/deployments, or let a hook before-rollout "
        "call what tests it",
    ),
    "rollout": (
        "nothing is called at each check: what real users met is judged",
        "left out. Where there is no traffic let CI send some while the release is live",
    ),
    "post-rollout": ("nothing is called after the release but notifications, over https", "left out"),
    "event": ("notifications go to https addresses alone", "left out"),
    "rollback": (
        "nothing is asked whether to go back",
        "left out. Send the override rollback, or an alert, which takes users back at once",
    ),
}


@dataclass(slots=True)
class Hooks:
    """What the webhooks of an analysis come to: the gates by their place, what is called first, and whom to tell."""

    gates: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)
    notifications: list[dict[str, Any]] = field(default_factory=list)


GatePlaces = Mapping[str, tuple[str, str]]
"""For each type of webhook that waits: the gate's place, and what it is called in the release spec."""
FIRST: Final = "first"
EACH: Final = "each"
PROMOTION: Final = "promotion"
OF_CANARY: Final[GatePlaces] = {
    "confirm-rollout": (FIRST, "strategy.canary.steps[0].gate"),
    "confirm-traffic-increase": (EACH, "strategy.canary.steps[].gate"),
    "confirm-promotion": (PROMOTION, "strategy.canary.promotion.gate"),
}
OF_EXPERIMENT: Final[GatePlaces] = {"confirm-promotion": (PROMOTION, "strategy.experiment.promote, by hand")}
OF_BLUE_GREEN: Final[GatePlaces] = dict.fromkeys(OF_CANARY, (PROMOTION, "strategy.blueGreen.preview.gate"))
_TOPICS: Final = {"post-rollout": ["succeeded", "rolled-back", "aborted", "failed"], "event": None}


def read_webhooks(analysis: Part, places: GatePlaces, accounts: Accounts) -> Hooks:
    """Read `webhooks` of an analysis. A wait that has no place is left out, and said."""
    hooks = Hooks()
    for webhook in entries(given(analysis, "webhooks")):
        an_object(webhook)
        kind = text(given(webhook, "type")) or "rollout"
        name = slug_of(text(given(webhook, "name")), kind)
        if kind in OF_CANARY:
            _read_gate(webhook, name, places.get(kind), hooks, accounts)
        elif kind not in _LEFT_OUT:
            part = given(webhook, "type")
            part.refuse(f"found {show(part)}; allowed is one of {', '.join((*OF_CANARY, *_LEFT_OUT))}")
        elif not _read_call(webhook, kind, name, hooks, accounts) and not _read_notification(
            webhook, kind, name, hooks, accounts
        ):
            accounts.no_equal(webhook, *_LEFT_OUT[kind])
    return hooks


def _read_gate(webhook: Part, name: str, place: tuple[str, str] | None, hooks: Hooks, accounts: Accounts) -> None:
    if place is None:
        accounts.no_equal(webhook, "an experiment waits for nobody before it begins", "left out")
        return
    key, path = place
    if key in hooks.gates:
        accounts.no_equal(
            webhook, "there is one gate at a time", f"{path} of an earlier webhook stands for this one too"
        )
        return
    hooks.gates[key] = endless_gate(name)
    accounts.becomes(given(webhook, "type"), path)
    accounts.becomes(given(webhook, "name"), f"{path}.name")
    accounts.no_equal(given(webhook, "url"), _NOT_ASKED, "left out; after 7d people are reminded, and it still waits")


def _read_call(webhook: Part, kind: str, name: str, hooks: Hooks, accounts: Accounts) -> bool:
    """Read a call before the first user comes. One with metadata is made for a load tester, whose body ours is not."""
    address = given(webhook, "url")
    taken = {call["name"] for call in hooks.calls} | _NAMES_OF_MIGRATIONS
    if kind != _FIRST_CALL or given(webhook, "metadata").exists or not _may_be_called(text(address)):
        return False
    if name in taken or len(hooks.calls) >= _MOST_CALLS:
        return False
    hooks.calls.append({"name": name, "at": "before-rollout", "webhook": {"url": text(address)}})
    accounts.becomes(given(webhook, "type"), "hooks[].at before-rollout, whose body is Slipway's own")
    accounts.becomes(given(webhook, "name"), "hooks[].name")
    accounts.becomes(address, "hooks[].webhook.url")
    accounts.chosen("hooks[].otherwise", "rollback, when it has not succeeded within 10m: Flagger asks until threshold")
    return True


def _read_notification(webhook: Part, kind: str, name: str, hooks: Hooks, accounts: Accounts) -> bool:
    address = given(webhook, "url")
    if kind not in _TOPICS:
        return False
    taken = {notification["name"] for notification in hooks.notifications}
    if not _may_be_called(text(address)) or name in taken or len(hooks.notifications) >= _MOST_NOTIFICATIONS:
        return False
    topics = _TOPICS[kind]
    hooks.notifications.append({"name": name, "url": text(address), **({"topics": topics} if topics else {})})
    what = f"topics {', '.join(topics)}" if topics else "all topics"
    accounts.becomes(given(webhook, "type"), f"a notification of {what}, whose body is Slipway's own")
    accounts.becomes(given(webhook, "name"), "notifications[].name")
    accounts.becomes(address, "notifications[].url")
    return True


def _may_be_called(address: str) -> bool:
    try:
        parse_source_address(address)
    except ValueError:
        return False
    return address.startswith("https://")
