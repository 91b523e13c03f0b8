"""`slipway dead-letters`: what a running Slipway could not handle, and what people do with it."""

import argparse
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote, urlencode

from cli.service import KEY_SETTING, URL_SETTING, Service, ServiceError, add_address, service
from cli.telling import remark, tell, tell_json
from shared.wire.dead_letter_views import STATES, UNREAD

_EXAMPLES = f"""examples:
  export {URL_SETTING}=https://slipway.example {KEY_SETTING}=...
  python -m cli dead-letters list
  python -m cli dead-letters list --application shop --reason "gave it up" --json | jq '.dead_letters[].id'
  python -m cli dead-letters show 1a3975db12268df3123734b0
  python -m cli dead-letters redrive 1a3975db12268df3123734b0 --because "the store is well again"
  python -m cli dead-letters redrive --all --application shop --because "the store is well again" --dry-run
  python -m cli dead-letters discard --all --reason "not JSON" --because "a test of ours"

Asked twice, a redrive says what the first one did. What is refused again is the same letter with a longer history.
exit codes: 0 done, 1 something was refused, 2 the command line was not understood
"""
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""What a terminal might obey: bodies are of whoever could send one."""
_DONE: Final = {"redrive": "redriven", "discard": "discarded"}


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "dead-letters",
        help="list what could not be handled, have it sent again, or close it",
        description="What a running Slipway could not handle: list it, have it sent again, or close it.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="list letters, one a line")
    listing.add_argument(
        "--state", choices=STATES, default="open", help="which letters; without it those that are open"
    )
    showing = actions.add_parser("show", help="show one letter with its body and its history")
    showing.add_argument("id", metavar="ID", help="the letter")
    redriving = actions.add_parser("redrive", help="have letters sent again to the queue that they came from")
    discarding = actions.add_parser("discard", help="close letters with which nothing is to be done")
    for action in (redriving, discarding):
        action.add_argument("ids", metavar="ID", nargs="*", help="the letters")
        action.add_argument("--all", action="store_true", help="every open letter that the filters leave")
        action.add_argument("--because", metavar="TEXT", required=True, help="why, for the letters' history")
        action.add_argument("--dry-run", action="store_true", help="say which letters it would be, and do nothing")
    for action in (listing, redriving, discarding):
        action.add_argument("--application", metavar="NAME", default="", help="only letters about this application")
        action.add_argument("--reason", metavar="TEXT", default="", help="only letters whose reason says this")
    for action, run in ((listing, _list), (showing, _show), (redriving, _redrive), (discarding, _discard)):
        action.add_argument("--json", action="store_true", help="write the result as JSON")
        add_address(action)
        action.set_defaults(run=_telling(run))


def _telling(run: Callable[[argparse.Namespace, Service], int]) -> Callable[[argparse.Namespace], int]:
    def told(options: argparse.Namespace) -> int:
        try:
            with _doubting():
                return run(options, service(options.url, options.wait))
        except ServiceError as error:
            if options.json:
                tell_json({"ok": False, "detail": str(error)})
            else:
                remark(str(error))
            return 1

    return told


@contextmanager
def _doubting() -> Iterator[None]:
    """Raise `ServiceError` for what Python raises where an answer is of another shape."""
    try:
        yield
    except UnicodeEncodeError:
        raise  # what was answered is well: it is this terminal, or the command line, that cannot have it so
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ServiceError(f"an answer is not what this release reads ({error!r:.200}): is this a Slipway?") from error


def _list(options: argparse.Namespace, there: Service) -> int:
    found = list(_letters(there, options, options.state))
    if options.json:
        tell_json({"ok": True, "dead_letters": found})
        return 0
    for letter in found:
        _tell_plain(_line(letter))
    remark(f"{len(found)} {'letter' if len(found) == 1 else 'letters'}")
    return 0


def _show(options: argparse.Namespace, there: Service) -> int:
    letter = there.ask("GET", f"/api/dead-letters/{quote(options.id, safe='')}")
    if options.json:
        tell_json({"ok": True, "dead_letter": letter})
        return 0
    source = f" from {letter['source']}" if letter["source"] else ""
    _tell_plain(f"{letter['id']}{source}: {letter['state']}")
    if letter["state"] == UNREAD:
        _tell_plain(f"{letter['reason']}: its body and its history are kept as they are, and cannot be shown here")
        return 0
    if letter["about"]:
        _tell_plain(f"about {', '.join(letter['about'])}")
    _tell_plain(f"refused because {letter['reason']}")
    if letter["left_out"]:
        tell(f"history, without the oldest {letter['left_out']}:")
    for happening in letter["history"]:
        _tell_plain(f"  {_happening(happening)}")
    tell(f"body{'' if letter['is_whole'] else ', its beginning'}:")
    _tell_plain(letter["body"])
    return 0


def _redrive(options: argparse.Namespace, there: Service) -> int:
    return _act(options, there, "redrive")


def _discard(options: argparse.Namespace, there: Service) -> int:
    return _act(options, there, "discard")


def _act(options: argparse.Namespace, there: Service, what: str) -> int:
    """Act on each letter by itself: one that is refused does not keep the others from being acted on."""
    ids = _chosen(options, there)
    if options.dry_run:
        if options.json:
            tell_json({"ok": True, "would": what, "letters": ids})
        else:
            for letter in ids:
                tell(f"{letter}: would be {_DONE[what]}")
        return 0
    answers = [_acted(there, letter, what, options.because) for letter in ids]
    is_well = all(answer["ok"] for answer in answers)
    if options.json:
        tell_json({"ok": is_well, "letters": answers})
    else:
        for answer in answers:
            (tell if answer["ok"] else remark)(_answer(answer, what))
    return 0 if is_well else 1


def _chosen(options: argparse.Namespace, there: Service) -> list[str]:
    """Return the letters that are named, or with --all those that the filters leave. Raises `ServiceError`."""
    is_filtered = bool(options.application or options.reason)
    if bool(options.ids) == options.all or (options.ids and is_filtered):
        raise ServiceError("name the letters, or say --all with or without --application and --reason")
    return options.ids or [letter["id"] for letter in _letters(there, options, "open")]


def _letters(there: Service, options: argparse.Namespace, state: str) -> Iterator[dict[str, Any]]:
    after: str | None = ""
    while after is not None:
        asked = {"state": state, "application": options.application, "reason": options.reason, "after": after}
        page = there.ask("GET", f"/api/dead-letters?{urlencode({key: text for key, text in asked.items() if text})}")
        yield from page["dead_letters"]
        if page["next"] == after:
            raise ServiceError(f"an answer goes on where it began, after {after!r:.80}: is this a Slipway?")
        after = page["next"]


def _acted(there: Service, letter: str, what: str, why: str) -> dict[str, Any]:
    try:
        answer = there.ask("POST", f"/api/dead-letters/{quote(letter, safe='')}/{what}", {"reason": why})
    except ServiceError as error:
        return {"ok": False, "letter": letter, "detail": str(error)}
    return {"ok": True, **answer}


def _answer(answer: dict[str, Any], what: str) -> str:
    if not answer["ok"]:
        return f"{answer['letter']}: {answer['detail']}"
    done = answer["done"]
    when = "" if answer["new"] else f" before, by {done['by']} at {done['at']}: {done['reason']}"
    again = ", and refused again: show it" if answer["state"] == "open" else ""
    return f"{answer['letter']}: {_DONE[what]}{when}{again}"


def _tell_plain(text: str) -> None:
    """Write lines in which characters that control a terminal are shown, and do nothing."""
    tell(_CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text))


def _line(letter: dict[str, Any]) -> str:
    about = ", ".join(letter["about"]) or letter["source"]
    what = f"{about}: {letter['reason']}" if about else letter["reason"]
    line = f"{letter['id']}  {letter['at'] or '':27}  {letter['state']:9}  {what}"
    return " ".join(line.split("\n"))


def _happening(happening: dict[str, Any]) -> str:
    match happening["type"]:
        case "Refused":
            times = f", {happening['times']} times until {happening['again']}" if happening["times"] > 1 else ""
            return f"{happening['at']} refused{times}: {happening['reason']}"
        case "Redriven":
            sent = "" if happening["sent"] else ", not on its way yet"
            return f"{happening['at']} redriven by {happening['by']}{sent}: {happening['reason']}"
        case _:
            return f"{happening['at']} discarded by {happening['by']}: {happening['reason']}"
