"""One HTTPRoute over the Kubernetes API: read it, and change it by a JSON Patch that holds for one version of it only.

A patch that another writer overtook is refused as a whole (422: a `test` failed, or 409) and planned anew on what
stands there now. So it may also be sent again after a line broke: if it was carried out, the second finds its work
done.
"""

import json
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import sleep
from typing import Final

from shared.adapters.gateway_api.json_patch import Operation
from shared.adapters.gateway_api.route import Condition, Route, UnfitError, UnreadableError, read_route
from shared.calls.asking import ask, broke_off, refusal_of
from shared.calls.azure_errors import describe
from shared.calls.deadline import Deadline
from shared.calls.http_exchange import Answer, exchange
from shared.domain.errors import RejectedError, SlipwayError, TryLaterError, UnansweredError
from shared.settings import CLUSTERS

LARGEST_ANSWER: Final = 4 * 1024 * 1024
"""An object has 1.5 MiB at most in the cluster's store."""
FIELD_MANAGER: Final = "slipway"
TRIES: Final = 6
"""How often a change is planned while others write the same route."""
_TAKING_UP_SECONDS: Final = 2.0
_LOOK_SECONDS: Final = 0.1
_MAY_STILL_LAND: Final = (500, 502, 504)

Plan = Callable[[Route], Sequence[Operation]]


class RouteCalls:
    """The calls of one method on one target. Each raises `TryLaterError` or `RejectedError`, which name the route."""

    def __init__(
        self,
        what: str,
        url: str,
        deadline: Deadline,
        *,
        authorization: Mapping[str, str],
        trust: ssl.SSLContext | None,
    ) -> None:
        self.what = what
        self._url = url
        self._deadline = deadline
        self._headers = {"Accept": "application/json", "User-Agent": "Slipway", **authorization}
        self._trust = trust

    def read(self) -> Route:
        """Return the route as it is wanted and as its gateways say it is."""
        try:
            answer = ask(
                self.what,
                "GET",
                self._url,
                self._deadline,
                headers=self._headers,
                most_bytes=LARGEST_ANSWER,
                trust=self._trust,
            )
        except TryLaterError as error:
            raise self._distrusted(error) from error
        if answer.status != 200:
            raise self._refusal(answer)
        return self._route(answer)

    def read_taken_up(self) -> Route:
        """Return the route once its gateways have taken up what is wanted; waits for them, for up to 2 seconds.

        Raises `TryLaterError` when one of them has not by then: what is wanted is not yet what happens.
        """
        patience = Deadline(_TAKING_UP_SECONDS)
        while True:
            route = self.read()
            behind = [parent.name for parent in route.parents if _is_behind(route, parent.condition("Accepted"))]
            if not behind:
                return route
            try:
                patience.left()
            except TryLaterError as error:
                raise TryLaterError(
                    f"{self.what}: {', '.join(behind)} has not taken up its generation {route.generation} yet",
                    after_seconds=_TAKING_UP_SECONDS,
                ) from error
            sleep(_LOOK_SECONDS)

    def change(self, plan: Plan) -> None:
        """Carry out what `plan` says of the route that stands there, again while others write; nothing if it says so.

        Raises `UnansweredError` when nobody knows whether it was done.
        """
        met: SlipwayError = TryLaterError(f"{self.what}: others went on writing it")
        refused_at = ""
        for _ in range(TRIES):
            route = self._read_after(met)
            if route.version == refused_at:
                # Nobody wrote meanwhile, so it was no test that failed.
                raise RejectedError(str(met)) from met
            with self.refusing_unfit():
                patch = plan(route)
            if not patch:
                return
            try:
                answer = self._send(patch)
            except UnansweredError as error:
                if not (isinstance(error.__cause__, TryLaterError) and broke_off(error.__cause__)):
                    raise
                met, refused_at = error, ""
                continue
            if answer.status == 200:
                return
            met = self._refusal(answer, of_change=True)
            if answer.status not in (409, 422):
                raise met
            refused_at = route.version if answer.status == 422 else ""
        raise met if isinstance(met, TryLaterError) else TryLaterError(str(met))

    def _read_after(self, met: SlipwayError) -> Route:
        """Read the route again; without an answer, what a patch before it met is as unknown as it was."""
        try:
            return self.read()
        except TryLaterError as error:
            if isinstance(met, UnansweredError):
                raise UnansweredError(str(error), after_seconds=error.after_seconds) from error
            raise

    @contextmanager
    def refusing_unfit(self) -> Iterator[None]:
        """Turn an `UnfitError` into a `RejectedError` that names the route."""
        try:
            yield
        except UnfitError as error:
            raise RejectedError(f"{self.what}: {error}") from error

    def _send(self, patch: Sequence[Operation]) -> Answer:
        headers = {**self._headers, "Content-Type": "application/json-patch+json"}
        url = f"{self._url}?fieldManager={FIELD_MANAGER}"
        body = json.dumps(patch).encode()
        try:
            return exchange(
                "PATCH",
                url,
                self._deadline,
                headers=headers,
                body=body,
                most_bytes=LARGEST_ANSWER,
                trust=self._trust,
            )
        except TryLaterError as error:
            raise UnansweredError(f"{self.what}: {error}") from error

    def _route(self, answer: Answer) -> Route:
        try:
            return read_route(json.loads(answer.body))
        except (ValueError, RecursionError) as error:
            raise TryLaterError(f"{self.what}: an answer that is no JSON") from error
        except UnreadableError as error:
            raise TryLaterError(f"{self.what}: an answer that cannot be read: {error}") from error

    def _refusal(self, answer: Answer, *, of_change: bool = False) -> SlipwayError:
        error = refusal_of(self.what, self._url, answer, describe(answer.body.decode("utf-8", "replace")))
        if of_change and answer.status in _MAY_STILL_LAND:
            return UnansweredError(str(error))
        if answer.status == 401:
            return RejectedError(f"{error}: see what {CLUSTERS} says of the server's token")
        if answer.status == 403:
            return RejectedError(f"{error}: give Slipway get and patch on httproutes of gateway.networking.k8s.io")
        return error

    def _distrusted(self, error: TryLaterError) -> SlipwayError:
        cause = error.__cause__.__cause__ if error.__cause__ else None
        if isinstance(cause, ssl.SSLCertVerificationError):
            return RejectedError(
                f"{self.what}: its server's certificate is not to be trusted ({cause.verify_message}): "
                f"put the cluster's own authority into {CLUSTERS} as ca"
            )
        return error


def _is_behind(route: Route, accepted: Condition | None) -> bool:
    return accepted is not None and accepted.generation < route.generation
