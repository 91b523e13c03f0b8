"""The Service Bus SDK without its long sleeps between two looks at a link, which on loopback are nothing but sleep.

It sleeps 50 ms ten times while a link opens and up to a second while one closes; a suite opens a hundred.
Only sleeping is shortened: what it does, its time-outs and its retries stay.
"""

import time
from types import ModuleType

import pytest

_LONGEST_SLEEP = 0.005


class _HastyTime(ModuleType):
    def __getattr__(self, name: str) -> object:
        return getattr(time, name)

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, _LONGEST_SLEEP))


def hasten(patch: pytest.MonkeyPatch) -> None:
    """Shorten the sleeps of the SDK's links until the patch is undone."""
    for module in ("_servicebus_sender", "_servicebus_receiver", "_pyamqp.client"):
        patch.setattr(f"azure.servicebus.{module}.time", _HastyTime("time"))
