"""What all parts of the management API say alike: which version is asked for, and what is not there."""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from local.cloud.http_json import ApiError, JsonCall


class _Named(Protocol):
    @property
    def subscription(self) -> str: ...
    @property
    def resource_group(self) -> str: ...
    @property
    def name(self) -> str: ...


class _Resource(Protocol):
    @property
    def state(self) -> _Named: ...


R = TypeVar("R", bound=_Resource)


def check_version(call: JsonCall, supported: str) -> None:
    """Raise `ApiError` unless the call asks for the API version that is supported."""
    asked = call.query.get("api-version")
    if asked is None:
        raise ApiError(
            400, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required."
        )
    if asked != supported:
        raise ApiError(
            400,
            "InvalidApiVersionParameter",
            f"The api-version '{asked}' is invalid. The supported versions are '{supported}'.",
        )


def find_resource(resources: Iterable[R], kind: str, subscription: str, group: str, name: str) -> R:
    """Return a resource by its names, in lower case. Raises `ApiError` that says which of them is not there."""
    in_subscription = [each for each in resources if each.state.subscription == subscription]
    if not in_subscription:
        raise ApiError(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")
    in_group = [each for each in in_subscription if each.state.resource_group.lower() == group]
    if not in_group:
        raise ApiError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")
    for each in in_group:
        if each.state.name == name:
            return each
    raise not_found(f"{kind}/{name}", group)


def not_found(resource: str, group: str) -> ApiError:
    """Return the error for a resource that is not there."""
    return ApiError(404, "ResourceNotFound", f"The Resource '{resource}' under resource group '{group}' was not found.")


def no_such_call(call: JsonCall) -> ApiError:
    """Return the error for a call that the sandbox has not learned."""
    return ApiError(404, "NotFound", f"The sandbox does not know {call.method} {call.path}.")
