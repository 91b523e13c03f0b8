"""The notifications of a release spec: addresses that may be called, without secrets in them."""

from shared.domain.rollout.app_settings import FOR_SPECS, may_sign
from shared.domain.rollout.spec import Notification, Topic
from shared.wire.findings import Part, refuse_repeats
from shared.wire.web_addresses import parse_web_address


def read_notifications(part: Part) -> tuple[Notification, ...]:
    """Read `notifications`. Names are their own; no topics means all."""
    notifications = part.children()
    names = tuple(notification.child("name") for notification in notifications)
    refuse_repeats(names, lambda name: name.value, "allowed is a name that no notification before it has")
    return tuple(_read_notification(notification) for notification in notifications)


def _read_notification(part: Part) -> Notification:
    topics = part.child("topics").children()
    secret = part.child("secretSetting")
    return Notification(
        name=part.child("name").read(str, ""),
        url=part.child("url").read(parse_web_address, ""),
        topics=tuple(topic.read(Topic, Topic.STUCK) for topic in topics) or tuple(Topic),
        secret_setting=secret.read(signing_setting, "") if secret.exists else None,
    )


def signing_setting(name: str) -> str:
    """Return the name of an app setting that may sign what is sent. Raises ValueError for the app's own."""
    if not may_sign(name):
        raise ValueError(
            "allowed is an app setting of your own, not one that Slipway, its host or its identity are set up with; "
            f"keep the key in one whose name begins with {FOR_SPECS}"
        )
    return name
