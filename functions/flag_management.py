"""HTTP: feature flags and segments as people write, approve, kill, explain and restore them.

A key may hold slashes, so it is the rest of the address: what is asked of a flag beside reading and writing it stands
in the body, and its history and explanations have addresses of their own. What answers stands in `flag_handlers`,
which a worker loads with its first request of this kind.

Of two functions whose routes both fit, Azure takes the one whose name comes first in the alphabet, however literal the
other's route is. So whatever has a literal address below `api/flags` is named to come before these, and no flag can
have its key (`RESERVED_KEYS`).
"""

from typing import Final

import azure.functions as func

from functions.answers import for_operators

ENVIRONMENT: Final = "environment"

blueprint = func.Blueprint()


@blueprint.route(route="api/flags", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def find_flags(req: func.HttpRequest) -> func.HttpResponse:
    """Return a page of the flags that are served."""
    from functions import flag_handlers

    return for_operators(req, flag_handlers.list_flags, takes=(ENVIRONMENT, "after", "tag", "stale"))


@blueprint.route(route="api/flags/{*key}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def get_flag(req: func.HttpRequest) -> func.HttpResponse:
    """Return a flag with what waits to change it, one of its revisions, or, at `.../explain`, why it serves what."""
    from functions import flag_handlers

    return for_operators(
        req, flag_handlers.get_flag, takes=(ENVIRONMENT, "context" if flag_handlers.asks_why(req) else "revision")
    )


@blueprint.route(route="api/flags/{*key}", methods=["PUT"], auth_level=func.AuthLevel.ANONYMOUS)
def put_flag(req: func.HttpRequest) -> func.HttpResponse:
    """Save a flag, propose it where that is asked for, or say whom it would move."""
    from functions import flag_handlers

    return for_operators(
        req, flag_handlers.put_flag, takes=(ENVIRONMENT, "reason", "dry-run"), at_most=flag_handlers.AT_MOST
    )


@blueprint.route(route="api/flags/{*key}", methods=["DELETE"], auth_level=func.AuthLevel.ANONYMOUS)
def archive_flag(req: func.HttpRequest) -> func.HttpResponse:
    """Archive a flag: it is served to nobody, and can be brought back."""
    from functions import flag_handlers

    return for_operators(req, flag_handlers.archive_flag, takes=(ENVIRONMENT, "reason"))


@blueprint.route(route="api/flags/{*key}", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def steer_flag(req: func.HttpRequest) -> func.HttpResponse:
    """Kill, revive, approve, reject, schedule, cancel, restore or distribute."""
    from functions import flag_handlers

    return for_operators(req, flag_handlers.steer_flag, takes=(ENVIRONMENT,), at_most=flag_handlers.AT_MOST)


@blueprint.route(route="api/flag-history/{*key}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def get_flag_history(req: func.HttpRequest) -> func.HttpResponse:
    """Return a page of a flag's history."""
    from functions import flag_handlers

    return for_operators(req, flag_handlers.get_flag_history, takes=(ENVIRONMENT, "after"))


@blueprint.route(route="api/flag-explanations/{*key}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def explain_flag(req: func.HttpRequest) -> func.HttpResponse:
    """Return what a context gets of a flag, and why."""
    from functions import flag_handlers

    return for_operators(req, flag_handlers.explain_flag, takes=(ENVIRONMENT, "context"))


@blueprint.route(route="api/segments", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def list_segments(req: func.HttpRequest) -> func.HttpResponse:
    """Return a page of the segments."""
    from functions import flag_handlers

    return for_operators(req, flag_handlers.list_segments, takes=(ENVIRONMENT, "after"))


@blueprint.route(route="api/segments/{key}", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def get_segment(req: func.HttpRequest) -> func.HttpResponse:
    """Return a segment, or one of its revisions."""
    from functions import flag_handlers

    return for_operators(req, flag_handlers.get_segment, takes=(ENVIRONMENT, "revision"))


@blueprint.route(route="api/segments/{key}", methods=["PUT"], auth_level=func.AuthLevel.ANONYMOUS)
def put_segment(req: func.HttpRequest) -> func.HttpResponse:
    """Save a segment."""
    from functions import flag_handlers

    return for_operators(req, flag_handlers.put_segment, takes=(ENVIRONMENT, "reason"), at_most=flag_handlers.AT_MOST)


@blueprint.route(route="api/segments/{key}", methods=["DELETE"], auth_level=func.AuthLevel.ANONYMOUS)
def delete_segment(req: func.HttpRequest) -> func.HttpResponse:
    """Delete a segment that nobody asks for."""
    from functions import flag_handlers

    return for_operators(req, flag_handlers.delete_segment, takes=(ENVIRONMENT, "reason"))


@blueprint.route(route="api/segments/{key}/history", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def get_segment_history(req: func.HttpRequest) -> func.HttpResponse:
    """Return a page of a segment's history."""
    from functions import flag_handlers

    return for_operators(req, flag_handlers.get_segment_history, takes=(ENVIRONMENT, "after"))
