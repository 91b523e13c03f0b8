"""What the errors of the Service Bus SDK mean to a caller that wants to send."""

from typing import Final

from shared.domain.errors import RejectedError, SlipwayError, TryLaterError

_BUSY_SECONDS: Final = 10.0
"""How long a throttled client should wait, says the service's documentation."""

_REFUSALS: Final = frozenset({401, 403, 404})
"""Answers to a token that another attempt with the same settings cannot change."""


def translate(error: Exception, queue_name: str) -> SlipwayError:
    """Return `RejectedError` where settings or message must change first, else `TryLaterError`."""
    from azure.servicebus import exceptions as sdk

    where = f"queue {queue_name} on Service Bus"
    if isinstance(error, sdk.MessageSizeExceededError):
        return RejectedError(f"{where}: the message is too large")
    if isinstance(error, sdk.MessagingEntityNotFoundError):
        return RejectedError(f"{where}: does not exist")
    if isinstance(error, sdk.ServiceBusAuthorizationError):
        return RejectedError(f"{where}: sending is not allowed to this identity")
    if isinstance(error, sdk.ServiceBusAuthenticationError):
        return _translate_refused_token(error, where)
    if isinstance(error, sdk.ServiceBusServerBusyError):
        return TryLaterError(f"{where}: the service is busy", after_seconds=_BUSY_SECONDS)
    return TryLaterError(f"{where}: {error}")


def _translate_refused_token(error: Exception, where: str) -> SlipwayError:
    status = getattr(getattr(error, "inner_exception", None), "status_code", None)
    if status == 404:  # the service looks for the queue already when it reads the token
        return RejectedError(f"{where}: does not exist")
    if status in _REFUSALS:
        return RejectedError(f"{where}: the credential was refused ({status})")
    return TryLaterError(f"{where}: the credential could not be checked: {error}")
