"""What a command says of a release spec that it cannot take."""

import argparse

from cli.reading import shown_name
from cli.telling import remark, tell_json
from shared.domain.errors import Problem


def refuse(options: argparse.Namespace, problems: tuple[Problem, ...]) -> int:
    """Tell every problem with its line, for people or as JSON; return the exit code."""
    if options.json:
        told = [{"path": each.path, "detail": each.message, "line": each.line} for each in problems]
        tell_json({"ok": False, "problems": told})
        return 1
    name = shown_name(options.file)
    for each in problems:
        place = f"{name}:{each.line}" if each.line is not None else name
        remark(f"{place}: {each.path}: {each.message}" if each.path else f"{place}: {each.message}")
    return 1
