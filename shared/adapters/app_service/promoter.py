"""Promoting by a slot swap: begun with one call, looked at with others, never waited for."""

import json
from typing import Any

from shared.adapters.app_service.site import PRODUCTION, Answer, Site
from shared.adapters.app_service.sites import AppServiceSites
from shared.adapters.app_service.swap_address import UNADDRESSED, to_path, to_token
from shared.calls.azure_errors import describe, refusal
from shared.domain.errors import RejectedError, TryLaterError
from shared.domain.rollout.preview import Preview
from shared.domain.rollout.spec import Place, Target
from shared.ports.promoter import SwapState, SwapStatus

_PASSING = (408, 429)
_FORGOTTEN = (404, 410)
_NEVER = "site authentication enabled"
"""What Azure's conflict says where no swap with preview will ever be begun."""


class AppServicePromoter:
    """The `Promoter` of sites with slots."""

    def __init__(self, sites: AppServiceSites) -> None:
        self._sites = sites

    def begin_swap(self, target: Target) -> str:
        """Begin to exchange the slot with production. A `TryLaterError` that says "no answer" may hide a begun swap."""
        site = self._sites.open(target)
        return to_token(site.begin_swap(), site.base_url)

    def read_swap(self, target: Target, token: str | None) -> SwapStatus:
        """Return how far the swap is; without a token that is known, whether anything is under way on the site."""
        site = self._sites.open(target)
        if token is None or token == UNADDRESSED:
            return _read_site(site)
        answer = site.get(to_path(token))
        return _read_site(site) if answer.status in _FORGOTTEN else _read_answer(answer)

    def apply_preview(self, target: Target) -> None:
        """Put production's settings on the slot, unless they are there already. Azure restarts it by and by."""
        site = self._sites.open(target)
        if _read_preview(site) is Preview.PENDING:
            return
        try:
            site.apply_settings()
        except TryLaterError as error:
            if _NEVER in str(error).lower():
                fix = "leave out swapWithPreview, or switch the built-in authentication of both slots off"
                raise RejectedError(f"{error}: {fix}") from error
            raise

    def reset_preview(self, target: Target) -> None:
        """Cancel the slot's swap with preview; where production alone still bears it, there too."""
        site = self._sites.open(target)
        if site.read_partner(Place.CANDIDATE) == PRODUCTION:
            site.reset_settings(Place.CANDIDATE)
        if site.read_partner(Place.PRODUCTION) == site.slot.lower():
            site.reset_settings(Place.PRODUCTION)

    def read_preview(self, target: Target) -> Preview:
        """Return which swap with preview the slot and production say that they have been prepared for."""
        return _read_preview(self._sites.open(target))

    def read_staying(self, target: Target) -> tuple[str, ...]:
        """Return the names of slot settings that differ."""
        return self._sites.open(target).read_staying()


def _read_preview(site: Site) -> Preview:
    partner, wanted = site.read_partner(Place.CANDIDATE), PRODUCTION
    if partner is None:
        # A slot that was deleted and made anew says nothing of a swap that production still waits for.
        partner, wanted = site.read_partner(Place.PRODUCTION), site.slot.lower()
    if partner is None:
        return Preview.NONE
    return Preview.PENDING if partner == wanted else Preview.FOREIGN


def _read_site(site: Site) -> SwapStatus:
    return SwapStatus(SwapState.RUNNING if site.is_busy() else SwapState.DONE)


def _read_answer(answer: Answer) -> SwapStatus:
    match answer.status:
        case 202:
            return SwapStatus(SwapState.RUNNING)
        case 200 | 201 | 204:
            return _read_finished(answer)
        case status if status in (401, 403) or status in _PASSING or status >= 500 or status < 400:
            raise refusal("look at a swap", status, answer.headers, answer.body)
        case _:
            return SwapStatus(SwapState.FAILED, describe(answer.body))


def _read_finished(answer: Answer) -> SwapStatus:
    """Read the answer of a finished call: nothing, the site itself, or an operation with a status of its own."""
    match _status_of(answer):
        case "failed" | "canceled" | "cancelled":
            return SwapStatus(SwapState.FAILED, describe(answer.body))
        case "inprogress" | "running" | "created" | "accepted":
            return SwapStatus(SwapState.RUNNING)
        case _:
            return SwapStatus(SwapState.DONE)


def _status_of(answer: Answer) -> str:
    if not answer.body.strip():
        return ""
    try:
        document: Any = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise refusal("look at a swap", answer.status, answer.headers, answer.body) from error
    status = document.get("status") if isinstance(document, dict) else None
    return status.lower() if isinstance(status, str) else ""
