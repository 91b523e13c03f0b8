"""What a webhook is told."""

import json

from shared.domain.names import EffectId
from shared.domain.rollout.effects import Notify


def render_notification(effect: EffectId, notify: Notify) -> tuple[str, str]:
    """Return the message's stable id and its JSON body. `text` is what chat webhooks show."""
    message_id = f"{notify.rollout or 'application'}:{effect}:{notify.notification.name}"
    body = {
        "id": message_id,
        "topic": notify.topic,
        "rollout": notify.rollout,
        "text": notify.text,
    }
    return message_id, json.dumps(body, ensure_ascii=False)
