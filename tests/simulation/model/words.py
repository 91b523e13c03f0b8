"""Calls and wake-ups in words, for who reads a trace."""

import json

from shared.domain.wake_up import WakeUp
from tests.simulation.model.world import Ask


def wake_up_in_words(wake_up: WakeUp) -> str:
    if wake_up.marker:
        return f"by the sweep that saw marker {wake_up.marker}"
    return f"by alarm {wake_up.fence}" if wake_up.fence else "there is news"


def in_words(ask: Ask) -> str:
    match ask.method, ask.args:
        case "commit", (change,):
            kinds = [_kind(line.document) for line in change.history]
            taken = [f"takes {entry.command_id}" for entry in change.consumed]
            rows = [f"opens {row.id.lstrip('0')} {_kind(row.document)}" for row in change.opened]
            rows += [f"closes {row.lstrip('0')}" for row in change.closed]
            return f"store.commit on {change.etag}: {', '.join((*taken, *kinds, *rows)) or 'silent'}"
        case "accept", (_, command_id, _, entry):
            return f"store.accept {command_id}{'' if entry else ' (known)'}"
        case "send", (wake_up,):
            at = dict(ask.named).get("at")
            return f"queue.send {wake_up_in_words(wake_up)}{f', for {at:%H:%M:%S}' if at else ''}"
        case "set_share", (target, share):
            return f"site.set_share {target.name} {share / 1000:g} %"
        case "open" | "put_off", _:
            return f"markers.{ask.method} until {ask.args[-1]:%H:%M:%S}"
        case "close", (_, token):
            return f"markers.close {token}"
    return f"{ask.port}.{ask.method}{f' {ask.args[0].name}' if ask.port == 'site' else ''}"


def _kind(document: str) -> str:
    return str(json.loads(document)["value"]["type"])
