"""How far users may be sent, by a book of its own: kept from the plan, the passes and what people said, and from
nothing that the code under test says was proven."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from shared.domain.rollout.phases import Phase, Side
from shared.domain.rollout.state import Application
from shared.domain.rollout.weight import ALL, NONE, Weight
from tests.simulation.model.kept import Kept
from tests.simulation.model.lines import Line, application_in, first, line_of
from tests.simulation.model.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A step that was passed, and the time that its proof had to come from."""

    rollout: str
    step: int
    since: datetime | None
    """When its bake began; None: it was passed before that."""
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """What the history of an application allows."""

    serving: str = "1"
    """What production serves by every end that there was."""
    versions: tuple[tuple[str, str], ...] = ()
    """Which version each rollout brings."""
    live: str | None = None
    plan: tuple[tuple[Weight, bool], ...] = ()
    """The weight that each step asks for, or the next one that asks for any, and whether it needs no proof."""
    step: int = -1
    baked_since: datetime | None = None
    proven: Weight = NONE
    """The largest weight among the steps that were passed and the next one that may be entered."""
    lifted: Weight = NONE
    """The largest weight that a person has sent it on to without proof."""
    is_over: bool = False
    """Whether its last step was passed, or a person vouched for it."""
    goes_back: bool = False
    passes: tuple[Passed, ...] = ()
    broken: str | None = None
    """What is wrong with the history itself."""

    @property
    def allowed(self) -> Weight:
        """How many users may be at the candidate: on the way back still those who could come before it."""
        return max(self.proven, self.lifted) if self.live else NONE

    @property
    def wanted_at_most(self) -> Weight:
        """How many may be asked for. No spec of the scenarios takes users back little by little."""
        return NONE if self.goes_back else self.allowed

    @property
    def version(self) -> str | None:
        """Return the version that the live rollout brings."""
        return dict(self.versions).get(self.live) if self.live else None


def book_of(kept: Kept) -> Book:
    """Return the book that a history makes."""
    book = Book()
    for line in map(line_of, kept.history):
        book = _after(book, line)
    return book


def broken_in_state(kept: Kept, book: Book, sites: tuple[Site, ...]) -> str | None:
    """Return what the stored state asks for or takes as proven without any right to, or which pass has no proof."""
    state = application_in(kept)
    return first(book.broken, *_unproven(book.passes, sites), *(_overreaches(state, book) if state else ()))


def broken_at_sites(sites: tuple[Site, ...], book: Book) -> str | None:
    """Return where users really are that nothing has allowed."""
    return first(*(_beyond(site, book) for site in sites))


def _unproven(passes: Iterable[Passed], sites: tuple[Site, ...]) -> Iterator[str]:
    """A pass needs a good window that began at or after the bake, at every target, and no bad one later."""
    for each in passes:
        if not all(each.since is not None and site.proves(each.since, each.at) for site in sites):
            yield f"step {each.step} of {each.rollout} is passed without a good window of its bake"


def _overreaches(state: Application, book: Book) -> Iterator[str]:
    for target in state.live.targets if state.live else ():
        wanted = ALL if target.wanted_side is Side.CANDIDATE else target.wanted
        if wanted > book.wanted_at_most:
            at_most = f"{book.wanted_at_most / 1000:g} % are allowed"
            yield f"{wanted / 1000:g} % of the users of {target.name} are wanted at the candidate; {at_most}"
        if target.proven != book.proven:
            yield f"{target.proven / 1000:g} % count as proven at {target.name}; {book.proven / 1000:g} % were proven"


def _beyond(site: Site, book: Book) -> str | None:
    """A swap that runs counts as done: nobody stops it."""
    is_stable = site.production == book.serving and site.swap_ends is None
    exposed = site.share if is_stable else ALL
    if site.production not in (book.serving, book.version):
        return f"production of {site.name} serves {site.production}, and no rollout brings that"
    if exposed and book.live is None:
        return f"{exposed / 1000:g} % of the users are sent to the candidate's place and no rollout is live"
    if exposed > book.allowed:
        allowed = f"{book.allowed / 1000:g} % were proven"
        return f"{exposed / 1000:g} % of the users of {site.name} are sent to the candidate's place; {allowed}"
    return None


def _after(book: Book, line: Line) -> Book:
    """Return the book after one more line of history. What is said of a rollout that only waits moves nothing."""
    if line["type"] == "DeploymentAccepted":
        return replace(book, versions=(*book.versions, (line["rollout"], line["version"])))
    if line["type"] == "RolloutStarted":
        return Book(
            serving=book.serving,
            versions=book.versions,
            live=line["rollout"],
            plan=_weights(line["plan"]),
            passes=book.passes,
            broken=book.broken,
        )
    return _on_live(book, line) if book.live is not None and line.get("rollout") == book.live else book


def _on_live(book: Book, line: Line) -> Book:
    match line["type"]:
        case "PreflightPassed":
            plan = _weights(line["plan"]) or book.plan
            return replace(book, plan=plan, proven=plan[0][0])
        case "StepEntered":
            lifted = max(book.lifted, book.plan[line["step"]][0]) if line["by"] else book.lifted
            return replace(book, step=line["step"], baked_since=None, lifted=lifted)
        case "BakeStarted":
            return replace(book, baked_since=datetime.fromisoformat(line["at"]))
        case "StepPassed":
            return _passed(book, line)
        case "BakeSkipped":
            return replace(book, is_over=True)
        case "RollbackBegun":
            return replace(book, goes_back=True)
        case "RolloutEnded":
            return _ended(book, line["ending"]["phase"])
    return book


def _passed(book: Book, line: Line) -> Book:
    step, at = line["step"], datetime.fromisoformat(line["at"])
    if step != book.step:
        return replace(book, broken=f"step {step} of {book.live} is passed, and it is at step {book.step}")
    is_last = step + 1 == len(book.plan)
    proven = max(book.proven, ALL if is_last else book.plan[step + 1][0])
    passed = Passed(rollout=line["rollout"], step=step, since=book.baked_since, at=at)
    passes = book.passes if book.plan[step][1] else (*book.passes, passed)
    return replace(book, proven=proven, passes=passes, is_over=is_last)


def _ended(book: Book, phase: str) -> Book:
    succeeded, broken = phase == Phase.SUCCEEDED, book.broken
    if succeeded and (book.goes_back or not book.is_over):
        broken = f"{book.live} succeeds, and nothing says that its last step was passed"
    serving = book.version or book.serving if succeeded else book.serving
    return Book(serving=serving, versions=book.versions, passes=book.passes, broken=broken)


def _weights(plan: list[Line]) -> tuple[tuple[Weight, bool], ...]:
    """Return what each step of a plan asks for: a wait asks for what comes behind it."""
    asked = [(_weight_from(plan[at:]), bool(step.get("proven"))) for at, step in enumerate(plan)]
    return tuple(asked)


def _weight_from(plan: list[Line]) -> Weight:
    for step in plan:
        if step["type"] == "Promote":
            return ALL
        if "weight" in step:
            return Weight(step["weight"])
    return ALL
