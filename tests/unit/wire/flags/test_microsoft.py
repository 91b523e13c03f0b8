"""Microsoft's feature management: who was in an audience, or had a variant, is and has here."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from shared.domain.errors import InvalidError
from shared.domain.flags.compile import compile_flags
from shared.domain.flags.model import (
    BY_KEY,
    Attribute,
    Clause,
    During,
    Hashing,
    Operator,
    Recurrence,
    Rule,
    Share,
    Split,
)
from shared.wire.findings import shown
from shared.wire.flags.microsoft import CONTENT_TYPE, KEY_PREFIX, import_microsoft
from shared.wire.flags.microsoft_export import export_microsoft, key_values
from shared.wire.flags.notes import Fate
from shared.wire.ofrep import write_evaluation
from tests.unit.wire.flags.flag_values import contexts, flags, plain_flags, segments
from tests.unit.wire.flags.suites import FOLDER, needs_suites, read_suite, suite_files

NOW = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
SAMPLES = suite_files("microsoft/Samples/*.sample.json")

_SCHEMA = FOLDER / "microsoft" / "Schema" / "FeatureFlag.v2.0.0.schema.json"
SCHEMA = Draft7Validator(read_suite(_SCHEMA) if _SCHEMA.exists() else {})


def ruleset(result):
    assert [str(each) for each in result.refused] == []
    return compile_flags(result.flags, result.segments, regexes=lambda text: re.compile(text).search)


def one(**members):
    return import_microsoft({"feature_management": {"feature_flags": [{"id": "f", "enabled": True} | members]}})


def filtered(name, **parameters):
    return {"conditions": {"client_filters": [{"name": name, "parameters": parameters}]}}


def served(result, now=NOW, **context):
    return ruleset(result).evaluate("f", context, now=now, region="").value


def cases():
    for sample in SAMPLES:
        tests = sample.with_name(sample.name.replace(".sample.", ".tests."))
        for number, case in enumerate(read_suite(tests)):
            yield pytest.param(sample, case, id=f"{sample.name.partition('.')[0]}-{number}")


@needs_suites
@pytest.mark.parametrize(("sample", "case"), list(cases()))
def test_the_cases_of_microsoft(sample, case):
    result = import_microsoft(read_suite(sample))
    if "Exception" in case["IsEnabled"]:
        assert [each.subject for each in result.refused] == [case["FeatureFlagName"]]
        return
    result = replace(result, refused=())
    asked = case["Inputs"]
    context = {"targetingKey": asked["User"]} if asked.get("User") else {}
    context |= {"groups": asked["Groups"]} if asked.get("Groups") else {}

    answer = ruleset(result).evaluate(case["FeatureFlagName"], context, now=NOW, region="")

    expected = case["Variant"]["Result"]
    if expected is not None:
        assert answer.variant == expected.get("Name", answer.variant)
        assert answer.value == expected["ConfigurationValue"]
    elif "IsEnabled" in case and "Result" in case["IsEnabled"]:
        assert str(answer.value).lower() == case["IsEnabled"]["Result"]


def test_a_flag_without_filters_is_on():
    assert served(one()) is True
    assert served(one(enabled=False)) is False
    assert served(one(conditions={"client_filters": []})) is True


def test_any_filter_is_enough_unless_all_are_asked_for():
    past, future = (
        {"name": "Microsoft.TimeWindow", "parameters": {at: "Sun, 01 Jan 2023 00:00:00 GMT"}} for at in ("Start", "End")
    )

    assert served(one(conditions={"client_filters": [future, past]})) is True
    assert served(one(conditions={"client_filters": [future, past], "requirement_type": "All"})) is False


def test_who_is_excluded_is_out_though_named():
    audience = {"Users": ["Ann"], "Exclusion": {"Users": ["Ann"], "Groups": ["out"]}, "DefaultRolloutPercentage": 100}
    flag = one(**filtered("Microsoft.Targeting", Audience=audience))

    assert served(flag, targetingKey="Ann") is False
    assert served(flag, targetingKey="Bob", groups=["out"]) is False
    assert served(flag, targetingKey="Bob") is True
    assert served(flag) is False


def test_a_group_without_a_user_is_hashed_as_an_empty_one():
    def audience(percent):
        groups = [{"Name": "g", "RolloutPercentage": percent}]
        return one(**filtered("Microsoft.Targeting", Audience={"Groups": groups, "DefaultRolloutPercentage": 0}))

    assert served(audience(99.999), groups=["g"]) is True
    assert served(audience(0.001), groups=["g"]) is False


def test_users_are_allocated_by_the_key_of_the_flag_where_no_seed_is_said():
    variants = [{"name": "a", "configuration_value": "A"}]

    [flag] = one(variants=variants, allocation={"percentile": [{"variant": "a", "from": 0, "to": 50}]}).flags

    assert flag.rules[-1].serve.seed == "allocation\nf"


def test_a_window_comes_again_in_its_own_zone():
    window = {
        "Start": "Mon, 02 Nov 2026 22:30:00 -0500",
        "End": "Mon, 02 Nov 2026 23:30:00 -0500",
        "Recurrence": {
            "Pattern": {"Type": "Weekly", "Interval": 1, "DaysOfWeek": ["Monday", "Wednesday"]},
            "Range": {"Type": "Numbered", "NumberOfOccurrences": 2},
        },
    }
    flag = one(**filtered("Microsoft.TimeWindow", **window))

    def at(day, hour):
        return served(flag, now=datetime(2026, 11, day, hour, 45, tzinfo=UTC).timestamp())

    assert [at(3, 3), at(3, 5), at(4, 3), at(5, 3), at(10, 3)] == [True, False, False, True, False]


def test_percentiles_may_leave_gaps_and_the_first_has_what_several_cover():
    allocation = {
        "percentile": [{"variant": "b", "from": 50, "to": 80}, {"variant": "a", "from": 40, "to": 60}],
        "default_when_enabled": "c",
        "seed": "s",
    }
    variants = [{"name": name, "configuration_value": name.upper()} for name in "abc"]

    [flag] = one(variants=variants, allocation=allocation).flags

    shares = [(share.variant, share.weight) for share in flag.rules[-1].serve.shares]
    assert shares == [(None, 40_000), ("a", 10_000), ("b", 30_000), (None, 20_000)]
    assert flag.default == "c"


def test_a_disabled_flag_has_the_variant_for_that():
    variants = [{"name": name, "configuration_value": name.upper()} for name in "ab"]

    assert served(one(variants=variants, allocation={"default_when_disabled": "b"}, enabled=False)) == "B"
    assert served(one(variants=variants, enabled=False)) is None


def test_variants_without_values_say_whether_the_flag_is_on():
    variants = [{"name": "old", "status_override": "Disabled"}, {"name": "new"}]

    result = one(
        variants=variants, allocation={"user": [{"variant": "old", "users": ["Ann"]}], "default_when_enabled": "new"}
    )

    assert served(result, targetingKey="Ann") is False
    assert served(result, targetingKey="Bob") is True
    assert result.notes == ()


def test_what_a_variant_counts_as_beside_its_value_is_told_and_goes_back():
    variants = [
        {"name": "small", "configuration_value": 10, "status_override": "Disabled"},
        {"name": "big", "configuration_value": 100, "status_override": "Enabled"},
        {"name": "none", "configuration_value": 0},
    ]
    allocation = {"user": [{"variant": "small", "users": ["Ann"]}], "default_when_enabled": "big"}

    result = one(variants=variants, allocation=allocation)

    answer = write_evaluation(ruleset(result).evaluate("f", {"targetingKey": "Ann"}, now=NOW, region=""))
    assert (answer["variant"], answer["value"]) == ("small", 10)
    assert answer["metadata"] == {
        "rule": "user-1",
        "status_override.small": "Disabled",
        "status_override.big": "Enabled",
    }
    [note] = result.notes
    assert (note.fate, "told in the metadata" in note.words) == (Fate.CHANGED, True)
    exported, again = back(result)
    [flag] = exported.document["feature_management"]["feature_flags"]
    assert (flag["variants"], exported.notes) == (variants, ())
    assert again.flags == result.flags


@pytest.mark.parametrize(("value", "status"), [(True, "Disabled"), (False, "Enabled")])
def test_a_status_that_says_otherwise_than_the_value_goes_back_as_it_came(value, status):
    variants = [{"name": "a", "configuration_value": value, "status_override": status}]

    exported, _ = back(one(variants=variants, allocation={"default_when_enabled": "a"}))

    [flag] = exported.document["feature_management"]["feature_flags"]
    assert flag["variants"] == variants


def test_what_is_not_carried_is_noted():
    variants = [{"name": "a" * 120, "configuration_value": 1, "status_override": "Disabled"}]

    result = one(variants=variants, telemetry={"enabled": True}, display_name="F", other=1)

    assert sorted(note.words for note in result.notes) == [
        f"status_override of the variant {shown('a' * 120)}",
        "telemetry (enabled)",
        "the display name 'F'",
        "the field other",
    ]


@pytest.mark.parametrize(
    ("flag", "path", "says"),
    [
        (filtered("MyFilter"), "conditions.client_filters[0].name", "a program of the application's own"),
        (filtered("Microsoft.Targeting"), "conditions.client_filters[0].parameters.Audience", "an object"),
        (
            filtered("Microsoft.Targeting", Audience={"DefaultRolloutPercentage": 101}),
            "conditions.client_filters[0].parameters",
            "0 to 100",
        ),
        (filtered("Microsoft.TimeWindow", Start="soon"), "conditions.client_filters[0].parameters", "such as"),
        (
            {"variants": [{"name": "a", "configuration_value": 1}, {"name": "b", "configuration_value": "x"}]},
            "variants",
            "types",
        ),
        (
            {"variants": [{"name": "a"}], "allocation": {"default_when_enabled": "b"}},
            "allocation.default_when_enabled",
            "no variant",
        ),
        ({"enabled": "yes"}, "enabled", "true or false"),
        ({"id": "a b"}, "key", "letters"),
        ({"conditions": 1}, "conditions", "an object"),
        ({"conditions": {"client_filters": 1}}, "conditions.client_filters", "a list"),
        ({"telemetry": 1}, "telemetry", "an object"),
        ({"variants": [{"name": ["a"]}]}, "variants", "no name"),
        ({"variants": [{"name": "a"}], "allocation": 1}, "allocation", "an object"),
        (
            filtered(
                "Microsoft.TimeWindow",
                Start="Tue, 27 Jun 2023 06:00:00 GMT",
                End="Tue, 27 Jun 2023 07:00:00 GMT",
                Recurrence={"Pattern": 1},
            ),
            "conditions.client_filters[0].parameters.Recurrence",
            "the objects Pattern and Range",
        ),
    ],
)
def test_a_flag_that_cannot_be_said_is_refused_where_it_is(flag, path, says):
    [refused] = one(**flag).refused

    assert refused.problem.path == path
    assert says in refused.problem.message


def back(result):
    exported = export_microsoft(result.flags, result.segments)
    return exported, import_microsoft(exported.document)


@needs_suites
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_what_comes_from_microsoft_goes_back_to_it(sample):
    result = import_microsoft(read_suite(sample))
    exported, again = back(result)

    assert exported.notes == ()
    assert (again.flags, again.segments) == (result.flags, result.segments)
    for flag in exported.document["feature_management"]["feature_flags"]:
        assert list(SCHEMA.iter_errors(flag)) == []


def test_what_is_allocated_goes_back_too():
    allocation = {
        "user": [{"variant": "a", "users": ["Ann"]}],
        "group": [{"variant": "b", "groups": ["staff"]}],
        "percentile": [{"variant": "a", "from": 10, "to": 33.333}],
        "default_when_enabled": "b",
        "default_when_disabled": "a",
        "seed": "s",
    }
    variants = [{"name": name, "configuration_value": {"n": name}} for name in "ab"]

    exported = export_microsoft(one(variants=variants, allocation=allocation).flags)

    [flag] = exported.document["feature_management"]["feature_flags"]
    assert exported.notes == ()
    assert (flag["variants"], flag["allocation"]) == (variants, allocation)


def test_a_window_that_comes_again_goes_back():
    recurrence = Recurrence(every=2, weekdays=(0, 3), first_weekday=0, times=3, offset=timedelta(hours=-5))
    since = datetime(2026, 11, 3, 3, 30, tzinfo=UTC)
    window = During(since=since, until=since + timedelta(hours=1), recurrence=recurrence)
    flag = replace(one().flags[0], default="off", rules=(Rule(id="filters", condition=window, serve="on"),))

    exported = export_microsoft([flag])

    assert exported.notes == ()
    assert import_microsoft(exported.document).flags == (flag,)


@needs_suites
@settings(max_examples=40, deadline=None)
@given(flags(), segments())
def test_what_is_exported_is_a_document_of_microsoft(flag, segment):
    exported = export_microsoft([flag], [replace(segment, key="staff")])

    [written] = exported.document["feature_management"]["feature_flags"]
    assert list(SCHEMA.iter_errors(written)) == []
    [item] = key_values(exported).document["items"]
    assert item["key"] == f"{KEY_PREFIX}{flag.key}"
    assert json.loads(item["value"]) == written


GROUPED = st.builds(
    lambda attribute, values: Clause(attribute=attribute, operator=Operator.IN, values=tuple(values)),
    st.sampled_from([BY_KEY, Attribute(("groups",))]),
    st.lists(st.sampled_from(["a", "Ann", "staff"]), min_size=1),
)


@settings(max_examples=60, deadline=None)
@given(plain_flags(GROUPED, Hashing.MICROSOFT, st.just(BY_KEY)), st.lists(contexts(), min_size=5, max_size=5))
def test_what_is_exported_without_loss_serves_the_same(flag, asking):
    exported = export_microsoft([flag])
    if exported.notes:
        return
    after = ruleset(import_microsoft(exported.document))
    before = compile_flags([flag], (), regexes=lambda text: re.compile(text).search)
    for context in [*asking, {"targetingKey": "x", "groups": ["staff"]}]:
        served = before.evaluate("f", context, now=NOW, region="")
        if served.error is None:
            assert after.evaluate("f", context, now=NOW, region="").value == served.value


def test_what_microsoft_cannot_say_is_noted():
    clause = Clause(attribute=Attribute(("email",)), operator=Operator.IN, values=("x",))
    split = Split(shares=(Share("on", 20_000), Share("off", 80_000)), seed="f")
    flag = replace(one().flags[0], default=split, rules=(Rule(id="r", condition=clause, serve="on"),), owner="ann")

    assert [str(note) for note in export_microsoft([flag]).notes] == [
        "f: not carried: the field owner",
        "f: serves differently: the rule r, which is no list of users or groups and no percentage of all",
        "f: divided anew: Microsoft does not hash as slipway does",
    ]


def test_key_values_of_app_configuration_are_taken():
    item = {"key": f"{KEY_PREFIX}f", "value": json.dumps({"id": "f", "enabled": True}), "content_type": CONTENT_TYPE}

    for document in (item, [item, {"key": "other", "value": "x"}], {"items": [item]}):
        assert [flag.key for flag in import_microsoft(document).flags] == ["f"]


@pytest.mark.parametrize("document", [None, {}, {"feature_management": {}}, {"key": KEY_PREFIX, "value": "{"}])
def test_a_document_that_is_none_is_refused(document):
    with pytest.raises(InvalidError):
        import_microsoft(document)


@pytest.mark.parametrize(
    "document",
    [
        {"feature_management": {"feature_flags": []}},
        {"feature_flags": [{"key": "a"}]},
        {"items": [{"key": "other", "value": "x"}]},
        [],
    ],
)
def test_a_document_without_one_of_its_flags_is_refused_as_a_whole(document):
    with pytest.raises(InvalidError, match="no document of Microsoft"):
        import_microsoft(document)
