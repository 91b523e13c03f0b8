"""The queries that ship, held against Microsoft's own language service of KQL, and the arms' names in three places."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import product

import pytest

from local.cloud.log_query import parse_query
from shared.adapters.log_analytics import sampling, values
from shared.adapters.log_analytics.arm_names import ArmNames, Side, names_of
from shared.adapters.log_analytics.kql_text import moment, span, string
from shared.adapters.log_analytics.queries import NAMES_COLUMNS, names_query, value_query, windows_query
from shared.adapters.log_analytics.tables import Dialect, table_of
from shared.domain.names import Version
from shared.domain.rollout.measuring import LogAnalyticsSource, Signal, SplitBy
from shared.domain.rollout.spec import Place
from shared.ports.metrics_source import Arm
from tests.kusto import analyse, install_kusto
from tests.traffic_worlds import window_question

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
QUESTION = window_question(NOON, NOON + timedelta(minutes=5), timedelta(minutes=1))
OF_WORKSPACE = (
    "(TimeGenerated: datetime, AppRoleName: string, AppVersion: string, Properties: dynamic, ItemCount: int,"
    " DurationMs: real, Success: bool, Name: string)"
)
OF_COMPONENT = (
    "(timestamp: datetime, cloud_RoleName: string, application_Version: string, customDimensions: dynamic,"
    " itemCount: int, duration: real, success: string, name: string)"
)
TABLES = dict.fromkeys(("AppRequests", "AppDependencies", "AppAvailabilityResults"), OF_WORKSPACE) | dict.fromkeys(
    ("requests", "dependencies", "availabilityResults"), OF_COMPONENT
)
HOSTILE = (
    "v1' or 1 == 1",
    "'; AppRequests | take 1 //",
    "v1\\",
    "\\' | project x //",
    'say "v1"',
    "line\nbreak\r\n| take 1",
    "\u2028\u2029\x00\x1b",
    "@'v1'",
    "```",
    "{since} {0} %s",
    "größer 😀",
)


@pytest.fixture(scope="module", autouse=True)
def kusto():
    install_kusto()


def source(split_by=SplitBy.VERSION, signal=Signal.REQUESTS, role=""):
    return LogAnalyticsSource(signal=signal, split_by=split_by, role=role)


def shipped(source, names, dialect=Dialect.WORKSPACE):
    table = table_of(source.signal, dialect)
    return windows_query(QUESTION, source, names, table), names_query(QUESTION, source, names, table)


def test_every_query_that_ships_is_sound_kql_and_brings_the_columns_that_are_read():
    queries = {}
    for signal, split, dialect in product(Signal, SplitBy, Dialect):
        names = ArmNames(split, "v2", "v1")
        windows, names_ = shipped(source(split, signal, "shop"), names, dialect)
        queries |= {f"windows {signal} {split} {dialect}": windows, f"names {signal} {split} {dialect}": names_}

    found = analyse(queries, TABLES)

    assert len(found) == 48
    for name, said in found.items():
        assert said["problems"] == [], name
        wanted = sampling.COLUMNS if name.startswith("windows") else NAMES_COLUMNS
        assert {column.partition(":")[0] for column in said["columns"]} == set(wanted), name


def test_the_language_service_sees_what_is_wrong():
    found = analyse({"q": "AppRequests | where Nothing == 1"}, TABLES)

    assert "Nothing" in found["q"]["problems"][0]


@pytest.mark.parametrize("which", ["candidate", "stable", "role"])
def test_no_text_of_a_users_stands_outside_a_literal(which):
    plain = ArmNames(SplitBy.ROLE, "plain", "other")
    queries = {}
    for at, text in enumerate(("plain", *HOSTILE)):
        if which == "role":
            queries[str(at)] = shipped(source(SplitBy.ROLE, role=text), plain)[0]
        else:
            queries[str(at)] = shipped(source(SplitBy.ROLE), replace(plain, **{which: text}))[0]

    found = [said["tokens"] for said in analyse(queries, TABLES).values()]

    declared = [token for token, _ in found[0]].index(which) + 2
    for text, tokens in zip(HOSTILE, found[1:], strict=True):
        assert tokens[declared][1] == text
        assert tokens[:declared] == found[0][:declared]
        assert tokens[declared + 1 :] == found[0][declared + 1 :]


@pytest.mark.parametrize("text", HOSTILE)
def test_the_sandbox_reads_a_literal_as_the_language_does(text):
    names = ArmNames(SplitBy.VERSION, text, "other")

    assert parse_query({"query": shipped(source(), names)[0]}).candidate == text


def test_times_are_told_in_utc():
    vienna = timezone(timedelta(hours=1))

    assert moment(datetime(2026, 11, 23, 13, 0, 30, tzinfo=vienna)) == "datetime(2026-11-23T12:00:30.000000Z)"
    assert span(timedelta(seconds=15)) == "15000ms"


def test_a_teams_own_query_has_the_declarations_before_it_and_nothing_behind_it():
    text = (
        "AppEvents\n| where TimeGenerated >= since and TimeGenerated < until and Name == 'order'\n"
        "| summarize value = count() by TimeGenerated = bin_at(TimeGenerated, length, since), version = AppVersion"
    )
    query = value_query(QUESTION, source(), ArmNames(SplitBy.VERSION, "v2", ""), text)

    said = analyse({"q": query}, {"AppEvents": "(TimeGenerated: datetime, Name: string, AppVersion: string)"})["q"]

    assert query.endswith(text)
    assert said["problems"] == []
    assert {column.partition(":")[0] for column in said["columns"]} == set(values.COLUMNS)
    assert string("order") in query


CASES = [
    (SplitBy.VERSION, "v2", "v1", {"v2": Side.CANDIDATE, "V1": Side.STABLE, "v22": None, "": None}),
    (SplitBy.VERSION, "v2", "", {"v2": Side.CANDIDATE, "v1": Side.STABLE, "": Side.STABLE}),
    (SplitBy.VERSION, "", "v1", {"v1": Side.STABLE, "v3": Side.CANDIDATE}),
    (SplitBy.REVISION, "shop--2", "shop--1", {"shop--2": Side.CANDIDATE, "SHOP--1": Side.STABLE, "2": None}),
    (
        SplitBy.ROLE,
        "2",
        "1",
        {"2": Side.CANDIDATE, "shop-2": Side.CANDIDATE, "shop.1": Side.STABLE, "shop-12": None, "shop2": None},
    ),
    (
        SplitBy.PLACE,
        "shop-blue",
        "shop",
        {"shop-blue": Side.CANDIDATE, "SHOP": Side.STABLE, "shop.azurewebsites.net": Side.STABLE, "shop-red": None},
    ),
]


@pytest.mark.parametrize(("by", "candidate", "stable", "sides"), CASES)
def test_names_are_told_apart_here_as_in_the_sandbox(by, candidate, stable, sides):
    names = ArmNames(by, candidate, stable)
    query = parse_query({"query": shipped(source(by), names)[0]})

    assert {name: names.side_of(name) for name in sides} == sides
    assert {name: query.arm_of(name) for name in sides} == {name: side or "" for name, side in sides.items()}


@pytest.mark.parametrize(
    ("measured_at", "names"),
    [(Place.CANDIDATE, ("shop-candidate", "shop")), (Place.PRODUCTION, ("shop", "shop-candidate"))],
)
def test_places_are_named_as_the_platform_names_their_roles(measured_at, names):
    other = Place.PRODUCTION if measured_at is Place.CANDIDATE else Place.CANDIDATE
    question = replace(
        QUESTION, candidate=Arm(version=Version("2"), place=measured_at), stable=Arm(version=None, place=other)
    )

    found = names_of(question, source(SplitBy.PLACE))

    assert (found.candidate, found.stable) == names
