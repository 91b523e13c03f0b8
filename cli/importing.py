"""`slipway import`: makes release specs of what other tools are told."""

import argparse
from pathlib import Path
from typing import Any

from cli.reading import UnreadableError, read_file, shown_name
from cli.telling import remark, tell, tell_json
from shared.domain.errors import Problem
from shared.wire.peers.importing import Import, ImportedSpec, Refusal, import_files
from shared.wire.peers.manifests import File
from shared.wire.peers.targets import DEFAULT_SERVER, Server
from shared.wire.route_url import is_server_url

_DESCRIPTION = """Make release specs of Canaries of Flagger and Rollouts of Argo Rollouts.

The spec is written to the standard output. Several are the documents of one YAML stream, which `check` and `plan` take;
--output-dir writes each to a file of its own, since the API takes them one by one. The report goes to the standard
error, a line for whatever became of each value: what it becomes, what has no equal and what was chosen instead, what is
not needed here, and what was chosen though the files say nothing of it. Templates (MetricTemplate, AnalysisTemplate,
ClusterAnalysisTemplate) may stand in the same files or in others; give them together.
"""
_EXAMPLES = f"""examples:
  python -m cli import canary.yaml > slipway.yaml
  python -m cli import canary.yaml metric-templates.yaml --output slipway.yaml
  python -m cli import canaries.yaml --output-dir specs
  kubectl get rollout,analysistemplate -o yaml | python -m cli import - --server https://shop.hcp.westeurope.azmk8s.io
  python -m cli import rollout.yaml --json | jq '.lines[] | select(.fate == "no equal")'

without --server: {DEFAULT_SERVER}
exit codes: 0 imported, 1 refused, 2 the command line was not understood
"""


def add_parser(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "import",
        help="make release specs of Flagger's Canaries and Argo's Rollouts",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help="manifests, YAML or JSON; - for the standard input")
    parser.add_argument(
        "--server",
        type=_server,
        metavar="URL",
        help="the Kubernetes API that holds the HTTPRoutes, as Slipway calls it",
    )
    into = parser.add_mutually_exclusive_group()
    into.add_argument("--output", type=Path, metavar="FILE", help="write the one spec here, not to the standard output")
    into.add_argument(
        "--output-dir", type=Path, metavar="DIR", help="write each spec to a file of its own here, <application>.yaml"
    )
    parser.add_argument("--json", action="store_true", help="write specs, report and refusals as JSON")
    parser.set_defaults(run=_run)


def _server(text: str) -> Server:
    url = text.rstrip("/")
    if not is_server_url(url):
        raise argparse.ArgumentTypeError("allowed is https://<host>, perhaps with a port, without a path")
    return Server(url, is_given=True)


def _run(options: argparse.Namespace) -> int:
    files, unread = [], []
    for name in options.files:
        try:
            files.append(File(shown_name(name), read_file(name)))
        except UnreadableError as error:
            unread.append(Refusal(shown_name(name), Problem("", str(error))))
    result = Import(refusals=tuple(unread)) if unread else import_files(files, options.server)
    if options.output is not None and not result.refusals:
        result = _written(options.output, result)
    if options.output_dir is not None and not result.refusals:
        result = _written_apart(options.output_dir, result)
    if options.json:
        tell_json(_document(result))
    else:
        _tell(result, to_terminal=options.output is None and options.output_dir is None)
    return 1 if result.refusals else 0


def _written(path: Path, result: Import) -> Import:
    """Write the one spec; more of them would be no release spec, so they are refused."""
    if len(result.specs) != 1:
        many = f"{len(result.specs)} specs were made; --output takes one: --output-dir gives each a file of its own"
        return Import(lines=result.lines, refusals=(Refusal(str(path), Problem("", many)),))
    try:
        path.write_text(result.specs[0].text(), encoding="utf-8")
    except OSError as error:
        return Import(lines=result.lines, refusals=(Refusal(str(path), Problem("", error.strerror or str(error))),))
    return result


def _written_apart(folder: Path, result: Import) -> Import:
    """Write each spec to a file that is named as its application, as each is PUT by itself."""
    names = [str(spec.document["application"]) for spec in result.specs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        many = f"{', '.join(twice)}: more than one spec is for this application; name them apart in the manifests"
        return Import(lines=result.lines, refusals=(Refusal(str(folder), Problem("", many)),))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, spec in zip(names, result.specs, strict=True):
            (folder / f"{name}.yaml").write_text(spec.text(), encoding="utf-8")
    except OSError as error:
        return Import(lines=result.lines, refusals=(Refusal(str(folder), Problem("", error.strerror or str(error))),))
    return result


def _tell(result: Import, *, to_terminal: bool) -> None:
    for line in result.lines if not result.refusals else ():
        remark(str(line))
    for refusal in result.refusals:
        remark(f"refused: {refusal}")
    if to_terminal and not result.refusals:
        tell("---\n".join(_headed(spec, len(result.specs)) for spec in result.specs).rstrip("\n"))


def _headed(spec: ImportedSpec, count: int) -> str:
    return f"# {spec.origin}\n{spec.text()}" if count > 1 else spec.text()


def _document(result: Import) -> dict[str, Any]:
    return {
        "imported": not result.refusals,
        "specs": [{"origin": spec.origin, "spec": spec.document} for spec in result.specs],
        "lines": [
            {
                "fate": line.fate.value,
                "path": line.path,
                "says": line.words,
                "file": line.file,
                "document": line.document,
                "line": line.line,
            }
            for line in result.lines
        ],
        "refusals": [
            {
                "file": refusal.file,
                "path": refusal.problem.path,
                "detail": refusal.problem.message,
                "line": refusal.problem.line,
            }
            for refusal in result.refusals
        ],
    }
