"""The app settings that a release spec names: where the keys are that it must not hold itself."""

from collections.abc import Callable, Iterator

from shared.domain.rollout.hooks import GithubWorkflow, Webhook
from shared.domain.rollout.measuring import PrometheusSource, WebSource
from shared.domain.rollout.spec import Spec


def missing_settings(spec: Spec, value_of: Callable[[str], str | None]) -> Iterator[str]:
    """Yield a sentence for each setting that is named and is not there, or is empty. Never says a value."""
    for where, setting in _named(spec):
        if not (value_of(setting) or "").strip():
            yield f"{where} needs the app setting {setting}, which is not there: set it before a version is deployed"


def _named(spec: Spec) -> Iterator[tuple[str, str]]:
    for hook in spec.hooks:
        if isinstance(hook.call, Webhook) and hook.call.secret_setting is not None:
            yield f"hook {hook.name}", hook.call.secret_setting
        if isinstance(hook.call, GithubWorkflow):
            yield f"hook {hook.name}", hook.call.token_setting
    for notification in spec.notifications:
        if notification.secret_setting is not None:
            yield f"notification {notification.name}", notification.secret_setting
    source = spec.measuring.source
    if isinstance(source, PrometheusSource | WebSource) and source.secret_setting is not None:
        yield "metrics", source.secret_setting
