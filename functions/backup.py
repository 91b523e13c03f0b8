"""HTTP: everything that is kept, out and in, page by page; `python -m cli backup` makes a file of it, and back."""

import azure.functions as func

from functions.answers import Reply, for_operators
from shared.bootstrap import app

blueprint = func.Blueprint()


@blueprint.route(route="api/backup", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
def read_backup(req: func.HttpRequest) -> func.HttpResponse:
    """Return a page of everything that is kept."""
    return for_operators(req, _read_backup, takes=("after",))


@blueprint.route(route="api/backup/restore", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def begin_restore(req: func.HttpRequest) -> func.HttpResponse:
    """Begin to make this empty account of an archive, or say how far that is."""
    return for_operators(req, _begin_restore, takes=("dry-run",))


@blueprint.route(route="api/backup/restore/entries", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def write_restored(req: func.HttpRequest) -> func.HttpResponse:
    """Write some of the archive's entries."""
    from shared.wire.backup_requests import LONGEST

    return for_operators(req, _write_restored, at_most=LONGEST)


@blueprint.route(route="api/backup/restore/wake", methods=["POST"], auth_level=func.AuthLevel.ANONYMOUS)
def wake_restored(req: func.HttpRequest) -> func.HttpResponse:
    """Wake some of what was restored."""
    return for_operators(req, _wake_restored)


def _read_backup(req: func.HttpRequest, _caller: str) -> Reply:
    from shared.wire.backup_requests import cursor_in, page_view

    return Reply(200, page_view(app().backup.page(cursor_in(req.params))))


def _begin_restore(req: func.HttpRequest, _caller: str) -> Reply:
    from shared.wire.backup_requests import is_dry_run, parse_begin

    manifest, dry_run = parse_begin(req.get_body()), is_dry_run(req.params)
    phase = app().restore.begin(manifest, dry_run=dry_run)
    return Reply(200, {"archive": manifest.sha256, "phase": phase})


def _write_restored(req: func.HttpRequest, _caller: str) -> Reply:
    from shared.wire.backup_requests import parse_entries

    request = parse_entries(req.get_body())
    app().restore.write(request.archive, request.entries)
    return Reply(200, {"archive": request.archive, "written": len(request.entries)})


def _wake_restored(req: func.HttpRequest, _caller: str) -> Reply:
    from shared.wire.backup_requests import parse_wake

    request = parse_wake(req.get_body())
    woken = app().restore.wake(request.archive, request.after)
    return Reply(
        200, {"archive": request.archive, "woken": woken.count, "next": woken.next, "unread": list(woken.unread)}
    )
