"""`slipway flags`: reads, checks and translates documents of feature flags, without asking anybody."""

import argparse
import json
from collections.abc import Callable
from typing import Any, Final

from cli.reading import UnreadableError, read_file
from cli.refusing import refuse
from cli.telling import remark, tell, tell_json
from shared.adapters.re2.regexes import Re2Regexes
from shared.domain.errors import InvalidError, Problem
from shared.wire.flags.collection import LONGEST, Collection, collection_document, held_to_documents, parse_collection
from shared.wire.flags.document import read_document
from shared.wire.flags.faithful import Write, faithful
from shared.wire.flags.flagd import WAYS, import_flagd
from shared.wire.flags.flagd_export import export_flagd
from shared.wire.flags.launchdarkly import import_launchdarkly
from shared.wire.flags.launchdarkly_export import export_launchdarkly
from shared.wire.flags.microsoft import import_microsoft
from shared.wire.flags.microsoft_export import export_microsoft, key_values
from shared.wire.flags.notes import Exported, Imported, Note, Refused

_EXAMPLES = """examples:
  python -m cli flags import --from flagd flags.flagd.json > flags.json
  python -m cli flags import --from launchdarkly sdk-data.json --json | jq '.notes'
  python -m cli flags check flags.yaml
  python -m cli flags convert --to microsoft flags.json > feature-management.json
  python -m cli flags convert --to microsoft --lossy flags.json --json | jq '.notes'

A document holds one flag, one segment, or several of both: {"flags": [...], "segments": [...]}.
exit codes: 0 done, 1 refused, if only in part, 2 the command line was not understood
"""
_WRITERS: Final[dict[str, Write]] = {
    "flagd": export_flagd,
    "microsoft": export_microsoft,
    "app-configuration": lambda flags, segments: key_values(export_microsoft(flags, segments)),
    "launchdarkly": export_launchdarkly,
}


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "flags",
        help="check documents of feature flags, and translate them from and to other products'",
        description="Read documents of feature flags offline. What cannot be carried is told on the standard error.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    importing = actions.add_parser("import", help="make flags of another product's document")
    importing.add_argument("--from", dest="origin", required=True, choices=("flagd", "microsoft", "launchdarkly"))
    importing.add_argument(
        "--flagd-hashing",
        choices=tuple(WAYS),
        default="3",
        help="which fractional of flagd divided its users until now",
    )
    checking = actions.add_parser("check", help="say everything that is wrong with a document of flags")
    converting = actions.add_parser("convert", help="write flags as another product's document")
    converting.add_argument("--to", dest="target", required=True, choices=tuple(_WRITERS))
    converting.add_argument(
        "--lossy", action="store_true", help="write also the flags that would serve somebody something else there"
    )
    for action, run in ((importing, _import), (checking, _check), (converting, _convert)):
        action.add_argument("file", metavar="FILE", help="a document, YAML or JSON; - for the standard input")
        action.add_argument("--json", action="store_true", help="write the result and the notes as JSON")
        action.set_defaults(run=_reading(run))


def _reading(run: Callable[[argparse.Namespace, bytes], int]) -> Callable[[argparse.Namespace], int]:
    def read(options: argparse.Namespace) -> int:
        try:
            return run(options, read_file(options.file, at_most=LONGEST))
        except UnreadableError as error:
            return refuse(options, (Problem("", str(error)),))
        except InvalidError as error:
            return refuse(options, error.problems)

    return read


def _import(options: argparse.Namespace, body: bytes) -> int:
    document = read_document(body, at_most=LONGEST).value
    imported = _imported(options, document)
    flags = collection_document(Collection(imported.flags, imported.segments))
    if options.json:
        refused = _left_out(imported.refused)
        tell_json({"ok": not refused, **flags, "notes": _told(imported.notes), "refused": refused})
    else:
        _remark(imported)
        tell(json.dumps(flags, indent=2, ensure_ascii=False))
    return 1 if imported.refused else 0


def _imported(options: argparse.Namespace, document: Any) -> Imported:
    match options.origin:
        case "flagd":
            return import_flagd(document, hashing=WAYS[options.flagd_hashing])
        case "microsoft":
            return import_microsoft(document)
        case _:
            return held_to_documents(import_launchdarkly(document))


def _check(options: argparse.Namespace, body: bytes) -> int:
    found = parse_collection(body, regexes=Re2Regexes())
    if options.json:
        keys = {"flags": [each.key for each in found.flags], "segments": [each.key for each in found.segments]}
        tell_json({"ok": True, **keys, "problems": []})
    else:
        tell("ok")
    return 0


def _convert(options: argparse.Namespace, body: bytes) -> int:
    found, write = parse_collection(body), _WRITERS[options.target]
    exported = write(found.flags, found.segments) if options.lossy else faithful(write, found.flags, found.segments)
    if options.json:
        refused = _left_out(exported.refused)
        told = {"document": exported.document, "notes": _told(exported.notes), "refused": refused}
        tell_json({"ok": not refused, **told})
    else:
        _remark(exported)
        tell(json.dumps(exported.document, indent=2, ensure_ascii=False))
    return 1 if exported.refused else 0


def _remark(done: Imported | Exported) -> None:
    for note in done.notes:
        remark(str(note))
    for each in done.refused:
        remark(f"refused: {each}")


def _left_out(refused: tuple[Refused, ...]) -> list[dict[str, str]]:
    return [{"subject": each.subject, "path": each.problem.path, "detail": each.problem.message} for each in refused]


def _told(notes: tuple[Note, ...]) -> list[dict[str, str]]:
    return [{"subject": note.subject, "fate": note.fate.value, "says": note.words} for note in notes]
