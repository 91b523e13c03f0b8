"""Trouble on order: which methods fail, with what, and for how long."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime

from shared.domain.errors import SlipwayError

_NO_TROUBLE = nullcontext()


@dataclass(slots=True, kw_only=True)
class _Order:
    method: str
    error: SlipwayError
    left: int | None
    until: datetime | None
    applied: bool


class Trouble:
    """The orders in force. The oldest one that hits a call is the one that it meets."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._orders: list[_Order] = []

    def fail(
        self,
        method: str,
        error: SlipwayError,
        *,
        times: int | None = None,
        until: datetime | None = None,
        applied: bool = False,
    ) -> None:
        """Let calls of a method raise `error`: so many times, or before a moment, or until `mend`.

        With `applied` the call is carried out, and only its answer is lost.
        """
        self._orders.append(_Order(method=method, error=error, left=times, until=until, applied=applied))

    def mend(self) -> None:
        """End all trouble."""
        self._orders.clear()

    def meet(self, method: str) -> AbstractContextManager[None]:
        """Carry out one call of a method, unless trouble is on order."""
        return self._met(method) if self._orders else _NO_TROUBLE

    @contextmanager
    def _met(self, method: str) -> Iterator[None]:
        order = self._take(method)
        if order is not None and not order.applied:
            raise order.error
        yield
        if order is not None:
            raise order.error

    def _take(self, method: str) -> _Order | None:
        self._orders = [order for order in self._orders if self._is_in_force(order)]
        order = next((order for order in self._orders if order.method == method), None)
        if order is not None and order.left is not None:
            order.left -= 1
        return order

    def _is_in_force(self, order: _Order) -> bool:
        return order.left != 0 and (order.until is None or self._now() < order.until)
