"""All that is shared, as one frozen value: aggregates, markers, the queue, the sites and the time.

One application's rollout is searched. What is told to other aggregates is kept with them, and wakes nobody here.

`carry_out` is what one port call does to it. Nothing else changes it, but time and what the search does on purpose.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from shared.domain.errors import SlipwayError
from shared.domain.names import ApplicationName, application_key
from shared.domain.wake_up import WakeUp
from shared.ports.metrics_source import WindowQuestion
from shared.ports.open_markers import Marker
from shared.ports.view_index import Page
from shared.wire.documents import Alarm
from tests.simulation.model.documents import envelope_in, text_of
from tests.simulation.model.kept import Kept
from tests.simulation.model.site import Site

COMMITS = 100
"""What the number of commits is called when no worker remembers one."""
SHOP = application_key(ApplicationName("shop"))


class Ask(NamedTuple):
    """One call of a port."""

    port: str
    method: str
    args: tuple[Any, ...] = ()
    named: tuple[tuple[str, Any], ...] = ()


class Raised(NamedTuple):
    """An answer that is an error."""

    kind: type[SlipwayError]
    says: str


class Message(NamedTuple):
    """A wake-up in the queue. Which one is delivered first is nobody's promise; what is overdue is due now."""

    due: datetime
    wake_up: WakeUp
    redelivered: bool = False


class Landing(NamedTuple):
    """A call to the site whose worker died: it may still be carried out, until then."""

    ask: Ask
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class World:
    """What every worker sees. Equal worlds are one object, if they came from one `Worlds`."""

    now: datetime
    sites: tuple[Site, ...]
    """One for each target."""
    kept: tuple[Kept, ...] = ()
    marker: tuple[datetime, str] | None = None
    """When the application's open marker is due, and its token."""
    tokens: int = 0
    queue: tuple[Message, ...] = ()
    landings: tuple[Landing, ...] = ()
    laid_aside: int = 0
    """How many letters were written: nothing here deserves one."""
    requests: tuple[str, ...] = ()
    """The names of what is asked from outside and was not answered yet."""

    @property
    def shop(self) -> Kept:
        """The application's rows."""
        return self.rows(SHOP)

    def rows(self, key: str) -> Kept:
        """Return the rows of an aggregate, none where there are none."""
        return next((each for each in self.kept if each.key == key), Kept(key=key))

    def with_rows(self, rows: Kept) -> "World":
        """Return the world in which an aggregate has these rows."""
        others = (each for each in self.kept if each.key != rows.key)
        return replace(self, kept=tuple(sorted((*others, rows), key=lambda each: each.key)))

    def with_message(self, message: Message) -> "World":
        """Return the world with one more message."""
        return replace(self, queue=_sorted((*self.queue, message)))

    def without_message(self, message: Message) -> "World":
        """Return the world without one such message."""
        left = list(self.queue)
        left.remove(message)
        return replace(self, queue=tuple(left))

    def at(self, now: datetime) -> "World":
        """Return the world at a later time: what could have landed until then either has or never will."""
        landings = tuple(each for each in self.landings if each.until >= now)
        sites = tuple(each.at(now) for each in self.sites)
        queue = _sorted(tuple(each._replace(due=max(each.due, now)) for each in self.queue))
        return replace(self, now=now, sites=sites, landings=landings, queue=queue)


def renumbered(world: World) -> World:
    """Return the same world with other numbers, for a moment at which no worker remembers any.

    How many commits there were, and what fences and tokens are called, nobody compares but with themselves: two worlds
    that differ in nothing else have the same future.
    """
    shop = world.shop
    if shop.document is None:
        return world
    envelope = envelope_in(shop.document)
    fences = {alarm.fence: f"f{number}" for number, alarm in enumerate(envelope.alarms)}
    alarms = tuple(Alarm(fences[alarm.fence], alarm.at) for alarm in envelope.alarms)
    document = text_of(replace(envelope, version=COMMITS, alarms=alarms))
    token = world.marker[1] if world.marker else ""
    queue = _sorted(tuple(each._replace(wake_up=_renamed(each.wake_up, fences, token)) for each in world.queue))
    renamed = replace(world, queue=queue, tokens=1, marker=(world.marker[0], "t1") if world.marker else None)
    return renamed.with_rows(replace(shop, version=COMMITS, document=document))


def _renamed(wake_up: WakeUp, fences: dict[str, str], token: str) -> WakeUp:
    marker = "" if not wake_up.marker else "t1" if wake_up.marker == token else "t0"
    fence = wake_up.fence if wake_up.marker or not wake_up.fence else fences.get(wake_up.fence, "lost")
    return replace(wake_up, fence=fence, marker=marker)


class Worlds:
    """Makes equal worlds one object, so that to know one again is cheap."""

    def __init__(self) -> None:
        self._kept: dict[object, Kept] = {}
        self._worlds: dict[object, World] = {}
        self._resting: dict[World, World] = {}

    def resting(self, world: World) -> World:
        """Return the first world that was seen to rest and that differs from this one in nothing but numbers."""
        return self._resting.setdefault(self.one(renumbered(world)), self.one(world))

    def one(self, world: World) -> World:
        """Return the one object for this world."""
        kept = tuple(each.one(self._kept) for each in world.kept)
        if any(each is not other for each, other in zip(kept, world.kept, strict=True)):
            world = replace(world, kept=kept)
        fields = (world.now, world.sites, kept, world.marker, world.tokens)
        others = (world.queue, world.landings, world.laid_aside, world.requests)
        return self._worlds.setdefault((*fields, *others), world)


def is_shared(ask: Ask) -> bool:
    """Whether others can tell when this call is made, or it can tell what others have done since.

    All other calls commute with everything: what they read stands still while time does, what they write nobody reads.
    """
    if key_of(ask) not in (SHOP, None):
        return False
    if ask.port == "store":
        return True
    if ask.port == "site":
        return ask.method in ("set_share", "read_share", "begin_swap", "read_swap")
    return ask.port in ("queue", "markers")


def key_of(ask: Ask) -> str | None:
    """Return which aggregate a call is about; None: it is about none, or about all."""
    if ask.port not in ("store", "queue", "markers") or ask.method == "overdue":
        return None
    about = ask.args[0]
    return about if isinstance(about, str) else str(about.key)


def is_write(ask: Ask) -> bool:
    """Whether this call can change anything that others see."""
    return ask.method in ("commit", "accept", "send", "open", "put_off", "close", "set_share", "begin_swap")


def carry_out(world: World, ask: Ask) -> tuple[World, Any]:
    """Return the world after the call, and its answer."""
    try:
        return _PORTS[ask.port](world, ask)
    except SlipwayError as error:
        return world, Raised(type(error), str(error))


def _store(world: World, ask: Ask) -> tuple[World, Any]:
    match ask.method, ask.args:
        case "load", (key,):
            return world, world.rows(key).load()
        case "answer", (key, command_id):
            return world, world.rows(key).answer(command_id)
        case "accept", (key, command_id, answer, entry):
            rows, receipt = world.rows(key).accept(command_id, answer, entry)
            return world.with_rows(rows), receipt
        case "commit", (change,):
            rows = world.rows(change.key).commit(change)
            return world.with_rows(rows), f"v{rows.version}"
    raise AssertionError(f"nothing asks this of the model: {ask}")


def _queue(world: World, ask: Ask) -> tuple[World, Any]:
    if key_of(ask) != SHOP:
        return world, None
    due = dict(ask.named).get("at") or world.now
    return world.with_message(Message(max(due, world.now), ask.args[0])), None


def _markers(world: World, ask: Ask) -> tuple[World, Any]:
    if key_of(ask) not in (SHOP, None):
        return world, None
    token = world.marker[1] if world.marker else None
    match ask.method, ask.args:
        case "open", (_, due):
            return _marked(world, due), None
        case "put_off", (_, seen, due):
            return (_marked(world, due) if seen == token else world), None
        case "close", (_, seen):
            return (replace(world, marker=None) if seen == token else world), None
        case "overdue", (now,):
            is_overdue = world.marker is not None and world.marker[0] <= now
            return world, (Marker(SHOP, *world.marker),) if world.marker and is_overdue else ()
    raise AssertionError(f"nothing asks this of the model: {ask}")


def _marked(world: World, due: datetime) -> World:
    return replace(world, marker=(due, f"t{world.tokens + 1}"), tokens=world.tokens + 1)


def _index(world: World, ask: Ask) -> tuple[World, Any]:
    return world, Page((), None) if ask.method == "page" else None


def _letters(world: World, ask: Ask) -> tuple[World, Any]:
    return replace(world, laid_aside=world.laid_aside + 1), None


def _site(world: World, ask: Ask) -> tuple[World, Any]:
    about = ask.args[0]
    target = about.target if isinstance(about, WindowQuestion) else about
    site = next(each for each in world.sites if each.name == target.name)
    after, answer = site.answer(ask.method, ask.args, world.now)
    if after is site:
        return world, answer
    return replace(world, sites=tuple(after if each is site else each for each in world.sites)), answer


_PORTS = {
    "store": _store,
    "queue": _queue,
    "markers": _markers,
    "index": _index,
    "letters": _letters,
    "site": _site,
}


def _sorted(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    return tuple(sorted(messages, key=_in_queue))


def _in_queue(message: Message) -> tuple[Any, ...]:
    wake_up = message.wake_up
    return (message.due, wake_up.fence, wake_up.marker, wake_up.attempt, message.redelivered)
