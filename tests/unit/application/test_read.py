"""Reading for a decision: each source by its kind, the arms by version and place, and trouble as a reading."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.memory.hook_caller import MemoryHookCaller
from shared.adapters.memory.site import MemorySite
from shared.adapters.sqlite.database import Database
from shared.adapters.sqlite.rollout_store import SqliteRolloutStore
from shared.adapters.sqlite.view_index import SqliteViewIndex
from shared.adapters.system.clock import SystemClock
from shared.application.claims import Claims
from shared.application.read import Reader
from shared.domain.errors import RejectedError
from shared.domain.names import Version
from shared.domain.rollout.measuring import AzureMonitorSource, ObservationsSource, ValueKind, ValueQuery
from shared.domain.rollout.readings import FaultsSeen, ReadFaults, ReadWindows, Trouble
from shared.domain.rollout.spec import Located, Place, TargetKind
from shared.wire.spec import parse_spec
from tests.scenario.world import SPEC

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ORDERS = ValueQuery(name="orders", kind=ValueKind.COUNTER, query="Orders")
SHOP = parse_spec(SPEC.encode(), "application/yaml")
WEB = SHOP.targets[0]
NOWHERE = Database("no-folder/store.db")
NOBODY_ELSE = Claims(SqliteRolloutStore(NOWHERE), SqliteViewIndex(NOWHERE), SystemClock())
"""Never asked here: a database is opened when it is first used."""


class Asked(MemorySite):
    """A site in memory that remembers the questions."""

    def __init__(self):
        super().__init__(lambda: NOON + 5 * MINUTE)
        self.questions = []

    def read_windows(self, question):
        self.questions.append(question)
        return super().read_windows(question)


@pytest.fixture
def site():
    return Asked()


def reader(site, kind=AzureMonitorSource):
    return Reader(site, site, site, {kind: site}, site, MemoryHookCaller(lambda: NOON), site, NOBODY_ELSE)


def windows(measured_at=Place.CANDIDATE):
    return ReadWindows(WEB.name, NOON, NOON + 2 * MINUTE, MINUTE, measured_at, Version("2"), Version("1"))


def test_users_of_a_flag_are_measured_under_the_names_of_its_variants(site):
    located = Located(stable="off", candidate="on")
    flag = replace(WEB, kind=TargetKind.FEATURE_FLAG, resource="flag:production/x", located=located)
    read = reader(site).read(replace(SHOP, targets=(flag,)), [windows()])

    assert not isinstance(read.windows(WEB.name), Trouble)
    (question,) = site.questions
    assert (question.candidate.version, question.stable.version) == ("on", "off")


@pytest.mark.parametrize(
    ("measured_at", "stable_at"), [(Place.CANDIDATE, Place.PRODUCTION), (Place.PRODUCTION, Place.CANDIDATE)]
)
def test_the_candidate_is_asked_for_where_it_is_and_the_stable_version_at_the_other_place(site, measured_at, stable_at):
    spec = replace(SHOP, measuring=replace(SHOP.measuring, values=(ORDERS,)))

    reader(site).read(spec, (windows(measured_at),))

    (question,) = site.questions
    assert (question.candidate.version, question.candidate.place) == ("2", measured_at)
    assert (question.stable.version, question.stable.place) == ("1", stable_at)
    assert (question.application, question.target, question.values) == ("shop", WEB, (ORDERS,))
    assert question.starts() == (NOON, NOON + MINUTE)


def test_faults_of_a_source_are_a_reading(site):
    site.faults[WEB.name] = ("metrics.source.requests: there is no metric Request",)
    need = ReadFaults(WEB.name, NOON, NOON + 2 * MINUTE, MINUTE)

    assert reader(site).read(SHOP, (need,)).faults(WEB.name) == FaultsSeen(site.faults[WEB.name])


def test_a_source_that_refuses_or_is_unwell_is_trouble(site):
    site.fail("find_faults", RejectedError("no access"))
    need = ReadFaults(WEB.name, NOON, NOON + 2 * MINUTE, MINUTE)

    assert reader(site).read(SHOP, (need,)).faults(WEB.name) == Trouble("no access")


def test_a_kind_of_source_that_nothing_reads_is_trouble_that_names_it(site):
    readings = reader(site, kind=ObservationsSource).read(SHOP, (windows(),))

    assert readings.windows(WEB.name) == Trouble("metrics.source: AzureMonitorSource cannot be read here")
