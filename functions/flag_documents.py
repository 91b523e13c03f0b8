"""HTTP: whole documents of flags, in and out, in our own form and in those of other products.

They have addresses of their own: a flag's key may be any word, and which of two routes is asked that fit one address is
not the same on every Functions host.
"""

import azure.functions as func

from functions.answers import Reply, for_operators, new_id
from shared.bootstrap import app

blueprint = func.Blueprint()


@blueprint.route(route="api/flags/import", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def import_flags(req: func.HttpRequest) -> func.HttpResponse:
    """Save the flags and segments of a document, or say what would come of it."""
    from shared.wire.flag_transfer import HASHING, LONGEST

    takes = ("environment", "format", "overwrite", "dry-run", "reason", HASHING)
    return for_operators(req, _import_flags, takes=takes, at_most=LONGEST)


@blueprint.route(route="api/flags/export", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def export_flags(req: func.HttpRequest) -> func.HttpResponse:
    """Return the flags that are served as a document, with what it does not carry."""
    return for_operators(req, _export_flags, takes=("environment", "format", "lossy"))


def _import_flags(req: func.HttpRequest, caller: str) -> Reply:
    from shared.wire.flag_transfer import import_view, parse_import

    environment = app().flag_environments.named(req.params.get("environment") or None)
    request = parse_import(req.params, req.get_body(), req.headers.get("content-type"))
    result = app().flag_imports.run(environment, request, by=caller, change_id=new_id()[:12])
    return Reply(200, import_view(environment, request, result))


def _export_flags(req: func.HttpRequest, _caller: str) -> Reply:
    from shared.wire.flag_transfer import export_format_in, export_view, lossy_in

    environment = app().flag_environments.named(req.params.get("environment") or None)
    chosen = export_format_in(req.params)
    lossy = lossy_in(req.params)
    content = app().flags.latest(environment)
    flags, segments = content.plain_flags.values(), content.plain_segments.values()
    return Reply(200, export_view(environment, chosen, flags, segments, lossy=lossy))
