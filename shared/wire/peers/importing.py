"""Files of Flagger and Argo Rollouts in, release specs out, with a line for whatever became of each value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.domain.errors import InvalidError, Problem
from shared.wire.findings import text_of
from shared.wire.peers.accounts import Accounts, Known, Line
from shared.wire.peers.argo_analysis import TemplateKey
from shared.wire.peers.argo_fields import ANALYSIS_TEMPLATE, ROLLOUT
from shared.wire.peers.argo_metrics import Template as AnalysisTemplate
from shared.wire.peers.argo_rollout import import_rollout
from shared.wire.peers.flagger_canary import import_canary
from shared.wire.peers.flagger_fields import ALERT_PROVIDER, CANARY, METRIC_TEMPLATE
from shared.wire.peers.flagger_metrics import Template as MetricTemplate
from shared.wire.peers.manifests import File, Manifest, read_manifests
from shared.wire.peers.other_fields import OTHER
from shared.wire.peers.spec_text import write_spec
from shared.wire.peers.targets import Server
from shared.wire.spec import parse_spec


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a file, or an object in it, was not taken."""

    file: str
    problem: Problem

    def __str__(self) -> str:
        place = f"{self.file}:{self.problem.line}" if self.problem.line is not None else self.file
        path = f"{self.problem.path}: " if self.problem.path else ""
        return f"{place}: {path}{self.problem.message}"


@dataclass(frozen=True, slots=True)
class ImportedSpec:
    """A release spec that was made, with the object that it was made of."""

    origin: str
    document: dict[str, Any]

    def text(self) -> str:
        """Return the spec as YAML."""
        return write_spec(self.document)


@dataclass(frozen=True, slots=True)
class Import:
    """What came of an import. Where anything was refused there are no specs."""

    specs: tuple[ImportedSpec, ...] = ()
    lines: tuple[Line, ...] = ()
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class _Object:
    manifest: Manifest
    accounts: Accounts


_GROUPS: Final = {
    "Canary": "flagger.app",
    "MetricTemplate": "flagger.app",
    "AlertProvider": "flagger.app",
    "Rollout": "argoproj.io",
    "AnalysisTemplate": "argoproj.io",
    "ClusterAnalysisTemplate": "argoproj.io",
    "AnalysisRun": "argoproj.io",
    "Experiment": "argoproj.io",
}
_KNOWN: Final[Mapping[str, Known]] = {
    "Canary": CANARY,
    "MetricTemplate": METRIC_TEMPLATE,
    "AlertProvider": ALERT_PROVIDER,
    "Rollout": ROLLOUT,
    "AnalysisTemplate": ANALYSIS_TEMPLATE,
    "ClusterAnalysisTemplate": ANALYSIS_TEMPLATE,
}
_RELEASES: Final = ("Canary", "Rollout")
_BY_ITSELF: Final = {
    "MetricTemplate": "says how one figure is asked for, and releases nothing; give it together with the Canary that "
    "names it",
    "AlertProvider": "says whom Flagger tells, and releases nothing; give it together with the Canary that names it",
    "AnalysisTemplate": "says how figures are asked for, and releases nothing; give it together with the Rollout that "
    "names it",
    "ClusterAnalysisTemplate": "says how figures are asked for, and releases nothing; give it together with the "
    "Rollout that names it",
    "AnalysisRun": "is one measuring that was, and releases nothing; give the Rollout and its AnalysisTemplate",
    "Experiment": "starts pods beside those that serve, and releases nothing; give the Rollout",
}


def import_files(files: Sequence[File], server: Server | None = None) -> Import:
    """Translate the Canaries and Rollouts in these files, with the templates that stand in any of them.

    Never raises: what cannot be taken is among the refusals, each with its file, path and line.
    """
    refusals: list[Refusal] = []
    objects: list[_Object] = []
    for file in files:
        try:
            objects += [_object(manifest) for manifest in read_manifests(file)]
        except InvalidError as error:
            refusals += [Refusal(file.name, problem) for problem in error.problems]
    refusals += _wrong_groups(objects)
    if not refusals and not any(each.manifest.kind in _RELEASES for each in objects):
        refusals += [Refusal(each.manifest.file, _why_not(each.manifest)) for each in objects]
    if refusals:
        return Import(refusals=tuple(refusals))
    return _import(objects, server or Server())


def _object(manifest: Manifest) -> _Object:
    group = manifest.api_version.partition("/")[0]
    is_known = group == _GROUPS.get(manifest.kind)
    return _Object(manifest, Accounts(_KNOWN.get(manifest.kind, OTHER) if is_known else OTHER))


def _wrong_groups(objects: Sequence[_Object]) -> list[Refusal]:
    refusals = []
    for each in objects:
        manifest = each.manifest
        group, _, version = manifest.api_version.partition("/")
        problem = None
        if not manifest.kind:
            problem = _problem(manifest, "kind", f"is missing; {_TAKEN}")
        elif manifest.kind in _RELEASES and (group != _GROUPS[manifest.kind] or not version):
            found = f'found "{manifest.api_version:.60}"' if manifest.api_version else "is missing"
            problem = _problem(
                manifest, "apiVersion", f"{found}; the kind {manifest.kind} is of {_GROUPS[manifest.kind]}"
            )
        if problem is not None:
            refusals.append(Refusal(manifest.file, problem))
    return refusals


_TAKEN: Final = "taken are a Canary of Flagger or a Rollout of Argo Rollouts, with their templates"


def _why_not(manifest: Manifest) -> Problem:
    by_itself = _BY_ITSELF.get(manifest.kind)
    if by_itself is not None:
        return _problem(manifest, "kind", f"{_with_article(manifest.kind)} {by_itself}")
    return _problem(manifest, "kind", f'found "{manifest.kind:.60}"; {_TAKEN}')


def _with_article(kind: str) -> str:
    return f"{'an' if kind[0] in 'AEIOU' else 'a'} {kind}"


def _problem(manifest: Manifest, key: str, message: str) -> Problem:
    path = (*manifest.part.path, key)
    return Problem(text_of(path), message, manifest.part.findings.source.line_of(path))


def _import(objects: Sequence[_Object], server: Server) -> Import:
    specs = [made for each in objects if (made := _spec_of(each, objects, server)) is not None]
    refusals = [*_findings(objects)]
    if not refusals:
        refusals = [refusal for made, origin in specs for refusal in _refused(made, origin)]
    lines = tuple(
        line
        for each in objects
        for line in each.accounts.lines(each.manifest.part, each.manifest.file, each.manifest.number)
    )
    if refusals:
        return Import(lines=lines, refusals=tuple(refusals))
    return Import(tuple(made for made, _ in specs), lines)


def _spec_of(each: _Object, objects: Sequence[_Object], server: Server) -> tuple[ImportedSpec, Manifest] | None:
    manifest = each.manifest
    if manifest.kind not in _RELEASES:
        return None
    if manifest.kind == "Canary":
        document = import_canary(manifest, each.accounts, _metric_templates(objects), server)
    else:
        document = import_rollout(manifest, each.accounts, _analysis_templates(objects), server)
    return ImportedSpec(f"{manifest.kind} {manifest.name} in {manifest.file}", document), manifest


def _metric_templates(objects: Sequence[_Object]) -> Mapping[tuple[str, str], MetricTemplate]:
    return {
        (each.manifest.namespace, each.manifest.name): MetricTemplate(each.manifest, each.accounts)
        for each in objects
        if each.accounts.known is METRIC_TEMPLATE
    }


def _analysis_templates(objects: Sequence[_Object]) -> Mapping[TemplateKey, AnalysisTemplate]:
    kinds = {"AnalysisTemplate": False, "ClusterAnalysisTemplate": True}
    return {
        TemplateKey(kinds[each.manifest.kind], each.manifest.name): AnalysisTemplate(each.manifest.part, each.accounts)
        for each in objects
        if each.accounts.known is ANALYSIS_TEMPLATE
    }


def _findings(objects: Sequence[_Object]) -> list[Refusal]:
    refusals: dict[Refusal, None] = {}
    for each in objects:
        try:
            each.manifest.part.findings.raise_if_any()
        except InvalidError as error:
            refusals |= {Refusal(each.manifest.file, problem): None for problem in error.problems}
    return list(refusals)


def _refused(made: ImportedSpec, manifest: Manifest) -> list[Refusal]:
    """Return what our own reader says against a spec that was made, so that none leaves that it would not take."""
    try:
        parse_spec(made.text().encode())
    except InvalidError as error:
        words = "the release spec that follows from it is not valid"
        return [
            Refusal(manifest.file, _problem(manifest, "kind", f"{words}: {problem.path}: {problem.message}"))
            for problem in error.problems
        ]
    return []
