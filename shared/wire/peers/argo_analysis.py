"""The analyses of a Rollout: each template that one names gives guards, and they hold throughout."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from shared.wire.findings import Part
from shared.wire.peers.accounts import Accounts
from shared.wire.peers.argo_arguments import Arguments, defaults_of, read_arguments
from shared.wire.peers.argo_metrics import Taking, Template, read_metric
from shared.wire.peers.measuring import Measures
from shared.wire.peers.readings import an_object, entries, flag, given, given_at, text, whole

_DEEPEST: Final = 5
"""Templates may name templates."""


@dataclass(frozen=True, slots=True)
class TemplateKey:
    """How a template is named: those of the cluster by their name alone."""

    of_cluster: bool
    name: str


@dataclass(slots=True)
class Analyses:
    """Reads the analyses of one Rollout; what was read once is not guarded twice."""

    rollout: Part
    accounts: Accounts
    measures: Measures
    templates: Mapping[TemplateKey, Template]
    services: tuple[str, ...]
    _done: set[tuple[TemplateKey, tuple[tuple[str, str], ...]]] = field(default_factory=set)

    def read(self, analysis: Part, *, where: str = "at every step") -> Decimal:
        """Read what an analysis measures into guards; return how long it takes, as far as it says so."""
        an_object(analysis)
        whole(given(analysis, "startingStep"), None)
        given_here = any(self._template_of(reference) is not None for reference in _named(analysis))
        arguments = read_arguments(analysis, self.rollout, self.accounts, used=given_here)
        dry = self._dry_in(given(analysis, "dryRun"), self.accounts)
        times = [self._read_named(reference, arguments, dry, where, self.accounts) for reference in _named(analysis)]
        return max(times, default=Decimal(0))

    def _read_named(
        self, reference: Part, arguments: Arguments, dry: tuple[str, ...], where: str, accounts: Accounts, deep: int = 0
    ) -> Decimal:
        an_object(reference)
        name = given(reference, "templateName")
        # An older Rollout names its one template beside the arguments: then the name alone is what is said of.
        said = name if given(reference, "args").exists or given(reference, "templates").exists else reference
        key = _key_of(reference)
        template = self.templates.get(key)
        if template is None:
            kind = "ClusterAnalysisTemplate" if key.of_cluster else "AnalysisTemplate"
            accounts.no_equal(
                said,
                f"the {kind} {key.name:.60} is not in these files",
                "no guard of it. Give its file together with this one",
            )
            return Decimal(0)
        accounts.becomes(said, f"guards, which hold {where}")
        return self._read_template(key, template, arguments, dry, where, deep)

    def _read_template(
        self, key: TemplateKey, template: Template, caller: Arguments, dry: tuple[str, ...], where: str, deep: int
    ) -> Decimal:
        arguments = {**defaults_of(template.part, template.accounts), **caller}
        done = (key, tuple(sorted(arguments.items())))
        if done in self._done or deep > _DEEPEST:
            return Decimal(0)
        self._done.add(done)
        spec = given_at(template.part, "spec")
        own = (*dry, *self._dry_in(given(spec, "dryRun"), template.accounts))
        taking = Taking(template.accounts, self.measures, arguments, self.services, own)
        times = [read_metric(an_object(metric), taking) or Decimal(0) for metric in entries(given(spec, "metrics"))]
        inner = [
            self._read_named(each, arguments, own, where, template.accounts, deep + 1)
            for each in entries(given(spec, "templates"))
        ]
        return max((*times, *inner), default=Decimal(0))

    def _template_of(self, reference: Part) -> Template | None:
        return self.templates.get(_key_of(an_object(reference)))

    def _dry_in(self, part: Part, accounts: Accounts) -> tuple[str, ...]:
        accounts.becomes(part, "notifyOnly of the guards that it names")
        return tuple(text(given(an_object(entry), "metricName")) for entry in entries(part))


def _key_of(reference: Part) -> TemplateKey:
    return TemplateKey(flag(given(reference, "clusterScope")), text(given(reference, "templateName")))


def _named(analysis: Part) -> tuple[Part, ...]:
    """Return the references to templates, also the single one of older Rollouts."""
    listed = entries(given(analysis, "templates"))
    return (*listed, analysis) if given(analysis, "templateName").exists else listed
