"""The notifications of a release spec: addresses that may be called, without secrets in them."""

from typing import Final
from urllib.parse import urlsplit

from shared.domain.rollout.spec import Notification, Topic
from shared.wire.findings import Part, refuse_repeats

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


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
        secret_setting=secret.read(str, "") if secret.exists else None,
    )


def parse_web_address(text: str) -> str:
    """Return an address that a webhook may have. Raises ValueError, which never repeats the address."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError("allowed is an https address such as https://hooks.example.org/ops") from error
    if not host or parts.scheme not in ("https", "http"):
        raise ValueError("allowed is an https address such as https://hooks.example.org/ops")
    if "@" in parts.netloc:
        raise ValueError("allowed is an address without a user and password; name an app setting in secretSetting")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise ValueError("allowed is https; http is taken for localhost alone")
    return text
