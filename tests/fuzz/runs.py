"""What `make fuzz` does, cut into tasks that processes of their own perform, and what came of each."""

import base64
import time
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from tests.fuzz.findings import smallest
from tests.fuzz.guided_run import is_there, run_guided
from tests.fuzz.oracle import Finding
from tests.fuzz.parsers import BY_NAME

ROUTES = "routes"
MUTATIONS = "spec-mutations"
NAMES = (*BY_NAME, ROUTES, MUTATIONS)
"""Of all that can be fuzzed by itself."""
_MUTATIONS_A_TASK = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing to fuzz."""

    name: str
    seconds: float
    seed: int
    first: int = 0
    """Of mutations: the number to begin with."""
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What came of one way to fuzz one thing."""

    parser: str
    how: str
    examples: int
    seconds: float
    taken: int | None = None
    """How many inputs were taken; None where nobody counted."""
    edges: int | None = None
    """How many edges of the project's code were reached."""
    findings: tuple[Finding, ...] = ()
    trouble: str = ""
    """Why it ended before its time."""

    @property
    def a_second(self) -> float:
        """Examples a second."""
        return self.examples / self.seconds if self.seconds else 0.0

    def in_words(self) -> str:
        """Return the line that tells of it while others still run."""
        end = f"{len(self.findings)} findings" if self.findings else self.trouble or "nothing found"
        return f"{self.parser}, {self.how}: {self.examples:,} in {self.seconds:.0f} s, {end}"

    @staticmethod
    def of(plain: dict[str, Any]) -> "Run":
        """Return what `plain` was made of."""
        findings = tuple(
            Finding(plain["parser"], base64.b64decode(each["input_base64"]), each["kind"], each["detail"])
            for each in plain["findings"]
        )
        told = {name: value for name, value in plain.items() if name != "examples_a_second"}
        return Run(**{**told, "findings": findings})

    def plain(self) -> dict[str, Any]:
        """Return it for machines."""
        findings = [
            {"kind": each.kind, "detail": each.detail, "input_base64": base64.b64encode(each.data).decode()}
            for each in self.findings
        ]
        return {
            "parser": self.parser,
            "how": self.how,
            "examples": self.examples,
            "taken": self.taken,
            "seconds": round(self.seconds, 1),
            "examples_a_second": round(self.a_second, 1),
            "edges": self.edges,
            "findings": findings,
            "trouble": self.trouble,
        }


def tasks(only: str, *, minutes: float, seed: int, mutations: int) -> list[Task]:
    """Return what is to be done. Raises ValueError for a name that is none's, with those that are like it."""
    names = [name for name in only.split(",") if name] or [*NAMES]
    for name in names:
        if name not in NAMES:
            near = " or ".join(get_close_matches(name, NAMES, cutoff=0.5))
            raise ValueError(f"no parser is named {name}{near and f': is it {near}?'}")
    found = []
    for name in names:
        if name == MUTATIONS:
            found += [
                Task(name=name, seconds=0, seed=seed, first=first, count=min(_MUTATIONS_A_TASK, mutations - first))
                for first in range(0, mutations, _MUTATIONS_A_TASK)
            ]
        else:
            found.append(Task(name=name, seconds=minutes * 60, seed=seed))
    return found


def perform(task: Task) -> list[Run]:
    """Do it."""
    match task.name:
        case "routes":
            return list(_routes(task))
        case "spec-mutations":
            return [_mutations(task)]
        case _:
            return list(_parser(task))


def _parser(task: Task) -> Iterator[Run]:
    from tests.fuzz.random_run import run_for

    parser, half = BY_NAME[task.name], task.seconds / 2
    began = time.monotonic()
    # Numbers far apart, so that the rounds of one seed are not those of the next.
    tally = run_for(parser, half if is_there() else task.seconds, task.seed * 1_000_000)
    seconds = time.monotonic() - began
    yield Run(
        parser=parser.name,
        how="random",
        examples=tally.examples,
        taken=tally.taken,
        seconds=seconds,
        findings=tuple(smallest(parser, each) for each in tally.findings.values()),
    )
    if not is_there():
        return
    began = time.monotonic()
    guided = run_guided(parser, half, task.seed)
    yield Run(
        parser=parser.name,
        how="guided",
        examples=guided.examples,
        edges=guided.coverage,
        seconds=time.monotonic() - began,
        findings=tuple(smallest(parser, each) for each in guided.findings.values()),
        trouble=guided.trouble,
    )


def _mutations(task: Task) -> Run:
    from tests.fuzz.mutations import examine_spec, mutation

    began, taken, found = time.monotonic(), 0, dict[str, Finding]()
    for number in range(task.first, task.first + task.count):
        finding, is_taken = examine_spec(mutation(task.seed, number))
        taken += is_taken
        if finding is not None:
            found.setdefault(finding.kind, finding)
    return Run(
        parser=MUTATIONS,
        how=f"{task.first:,} to {task.first + task.count:,}",
        examples=task.count,
        taken=taken,
        seconds=time.monotonic() - began,
        findings=tuple(found.values()),
    )


def _routes(task: Task) -> Iterator[Run]:
    from tests.fuzz.route_runs import run_odd, run_operations

    for how, run in (("schemathesis", run_operations), ("odd", run_odd)):
        began = time.monotonic()
        examples, findings = run(task.seconds / 2, task.seed * 1_000_000)
        seconds = time.monotonic() - began
        yield Run(parser=ROUTES, how=how, examples=examples, seconds=seconds, findings=tuple(findings))
