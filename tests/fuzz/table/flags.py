"""Documents of flags and segments, ours and those of other systems, with what they are written back as."""

import json
from typing import Any

from shared.domain.errors import InvalidError, RejectedError
from shared.domain.flags.model import Flag
from shared.wire.flag_split import flag_split, parse_flag_split
from shared.wire.flags.collection import Collection, collection_document, parse_collection
from shared.wire.flags.document import parse_flag, read_document, write_flag
from shared.wire.flags.faithful import faithful
from shared.wire.flags.flagd import import_flagd
from shared.wire.flags.flagd_export import export_flagd
from shared.wire.flags.json_logic import are_equal, is_true
from shared.wire.flags.launchdarkly import import_launchdarkly
from shared.wire.flags.launchdarkly_export import export_launchdarkly
from shared.wire.flags.launchdarkly_patch import patch_of
from shared.wire.flags.members import LONGEST_TEXT
from shared.wire.flags.microsoft import import_microsoft
from shared.wire.flags.microsoft_export import export_microsoft, key_values
from shared.wire.flags.notes import Imported, in_short
from shared.wire.flags.segment_document import parse_segment, write_segment
from tests.fuzz.parser import Form, Parser, Read, of_answer, of_text
from tests.fuzz.seeds import examples, fenced, files, given, suites, together

_FLAG = {"state": "ENABLED", "variants": {"on": True, "off": False}, "defaultVariant": "off"}
_RULES: tuple[Any, ...] = (
    {"if": [{"ends_with": [{"var": "email"}, "@shop.example"]}, "on", "off"]},
    {"if": [{"in": [{"var": "country"}, ["de", "fr"]]}, "on", {"==": [{"var": "beta"}, True]}, "on", None]},
    {"fractional": [{"cat": [{"var": "$flagd.flagKey"}, {"var": "targetingKey"}]}, ["on", 25], ["off", 75]]},
    {"if": [{"sem_ver": [{"var": "version"}, ">=", "1.2.3"]}, "on"]},
    {"if": [{"and": [{"!": {"var": "a.b"}}, {"!!": [{"var": ["x", 1]}]}, {"<": [1, {"var": "n"}, 5]}]}, "on", "off"]},
    {"if": [{"or": [{"starts_with": [{"var": "id"}, "a"]}, {"!==": [{"var": "t"}, "x"]}, {"$ref": "staff"}]}, "on"]},
    {"if": [{"some": [{"var": "groups"}, {"==": [{"var": ""}, "staff"]}]}, "on", "off"]},
)
FLAGD = {
    "flags": {f"flag-{number}": {**_FLAG, "targeting": rule} for number, rule in enumerate(_RULES)},
    "$evaluators": {"staff": {"in": [{"var": "role"}, ["staff"]]}},
}
MICROSOFT = {
    "feature_management": {
        "feature_flags": [
            {"id": "plain", "enabled": True},
            {
                "id": "filtered",
                "enabled": True,
                "conditions": {
                    "requirement_type": "All",
                    "client_filters": [
                        {"name": "Microsoft.Percentage", "parameters": {"Value": 25}},
                        {
                            "name": "Microsoft.TimeWindow",
                            "parameters": {
                                "Start": "Mon, 23 Nov 2026 12:00:00 GMT",
                                "End": "Tue, 24 Nov 2026 12:00:00 GMT",
                                "Recurrence": {
                                    "Pattern": {
                                        "Type": "Weekly",
                                        "Interval": 1,
                                        "DaysOfWeek": ["Monday"],
                                        "FirstDayOfWeek": "Sunday",
                                    },
                                    "Range": {"Type": "Numbered", "NumberOfOccurrences": 3},
                                },
                            },
                        },
                        {
                            "name": "Microsoft.Targeting",
                            "parameters": {
                                "Audience": {
                                    "Users": ["ann"],
                                    "Groups": [{"Name": "ring1", "RolloutPercentage": 50}],
                                    "DefaultRolloutPercentage": 10,
                                    "Exclusion": {"Users": ["bob"], "Groups": ["ring0"]},
                                }
                            },
                        },
                    ],
                },
                "variants": [
                    {"name": "Big", "configuration_value": "500px"},
                    {"name": "Small", "configuration_value": {"a": 1}},
                ],
                "allocation": {
                    "seed": "x",
                    "default_when_enabled": "Small",
                    "default_when_disabled": "Small",
                    "user": [{"variant": "Big", "users": ["ann"]}],
                    "group": [{"variant": "Big", "groups": ["ring1"]}],
                    "percentile": [{"variant": "Big", "from": 0, "to": 10}],
                },
            },
        ]
    }
}
LAUNCHDARKLY: dict[str, Any] = {
    "flags": {
        "new-checkout": {
            "key": "new-checkout",
            "on": True,
            "version": 3,
            "salt": "abc",
            "variations": [True, False],
            "offVariation": 1,
            "fallthrough": {
                "rollout": {
                    "variations": [{"variation": 0, "weight": 25_000}, {"variation": 1, "weight": 75_000}],
                    "bucketBy": "key",
                    "contextKind": "user",
                    "seed": 61,
                }
            },
            "targets": [{"variation": 0, "values": ["ann"]}],
            "contextTargets": [
                {"contextKind": "org", "variation": 0, "values": ["acme"]},
                {"variation": 0, "values": []},
            ],
            "prerequisites": [{"key": "new-shop", "variation": 0}],
            "rules": [
                {
                    "id": "r1",
                    "variation": 0,
                    "clauses": [
                        {"attribute": "email", "op": "endsWith", "values": ["@shop.example"], "negate": False},
                        {
                            "attribute": "/address/country",
                            "contextKind": "org",
                            "op": "in",
                            "values": ["de"],
                            "negate": True,
                        },
                        {"attribute": "", "op": "segmentMatch", "values": ["staff"]},
                        {"attribute": "v", "op": "semVerGreaterThan", "values": ["1.0.0"]},
                        {"attribute": "at", "op": "before", "values": ["2026-11-23T12:00:00Z", 1795435200000]},
                        {"attribute": "id", "op": "matches", "values": ["^a+$"]},
                    ],
                }
            ],
        },
        "new-shop": {
            "key": "new-shop",
            "on": False,
            "variations": ["a", "b"],
            "offVariation": 0,
            "fallthrough": {"variation": 1},
        },
    },
    "segments": {
        "staff": {
            "key": "staff",
            "included": ["ann"],
            "excluded": ["bob"],
            "salt": "s",
            "version": 1,
            "includedContexts": [{"contextKind": "org", "values": ["acme"]}],
            "rules": [
                {"weight": 5000, "bucketBy": "key", "clauses": [{"attribute": "role", "op": "in", "values": ["x"]}]}
            ],
        }
    },
}


def _encoded(value: str) -> bytes:
    return value.encode("utf-8", "surrogatepass")


def _exported(imported: Imported) -> Imported:
    """What an import reads can be written for every product, whatever it says."""
    for export in (export_flagd, export_launchdarkly, export_microsoft):
        json.dumps(export(imported.flags, imported.segments).document)
        kept = faithful(export, imported.flags, imported.segments)
        json.dumps(kept.document), in_short([str(each) for each in (*kept.notes, *kept.refused)])
    key_values(export_microsoft(imported.flags, imported.segments))
    for flag in imported.flags:
        # Ours reads what an import made, or refuses it with a word.
        _read_or_refuse(write_flag(flag))
    return imported


def _read_or_refuse(text: str) -> Flag | None:
    try:
        return parse_flag(text.encode(), "application/json")
    except InvalidError:
        return None


def _import(read: Any) -> Read:
    return lambda data: _exported(read(read_document(data).value))


def _collection(body: bytes) -> Any:
    from shared.adapters.re2.regexes import Re2Regexes

    collection = parse_collection(body, regexes=Re2Regexes())
    _exported(Imported(flags=collection.flags, segments=collection.segments))
    return collection


def _written_collection(collection: Collection) -> bytes:
    """One flag or segment by itself stands by itself: it may name what lies elsewhere."""
    match collection:
        case Collection(flags=(flag,), segments=()):
            return _encoded(write_flag(flag))
        case Collection(flags=(), segments=(segment,)):
            return _encoded(write_segment(segment))
        case _:
            return json.dumps(collection_document(collection)).encode()


def _patch(answer: Any) -> Any:
    flag = parse_flag(files("docs/examples/flag.yaml")()[0])
    return patch_of(flag.key, flag, (), answer, "production")


def _regex(pattern: str) -> Any:
    """A pattern as long as a flag may have it, if it is taken, can be asked of any text."""
    from shared.adapters.re2.regexes import Re2Regexes

    match = Re2Regexes()(pattern[:LONGEST_TEXT])
    return match(""), match("ann@shop.example"), match(pattern[:LONGEST_TEXT]), match("\ud800")


def _logic(value: Any) -> Any:
    """The constants of JSON logic, whose comparisons are JavaScript's."""
    return is_true(value), are_equal(value, 1, strict=False), are_equal("1", value, strict=True)


FLAGS = (
    Parser(
        name="flag",
        form=Form.YAML,
        read=parse_flag,
        write=lambda flag: _encoded(write_flag(flag)),
        seeds=together(
            files("docs/examples/flag.yaml"),
            examples("/api/flags/{key}"),
            fenced("flags", "flags-documents", within="variants"),
        ),
    ),
    Parser(
        name="segment",
        form=Form.YAML,
        read=parse_segment,
        write=lambda segment: _encoded(write_segment(segment)),
        seeds=together(files("docs/examples/segment.yaml"), examples("/api/segments/{key}")),
    ),
    Parser(
        name="flag-collection",
        form=Form.YAML,
        read=_collection,
        write=_written_collection,
        seeds=together(examples("/api/flags/import"), files("docs/examples/flag.yaml", "docs/examples/segment.yaml")),
    ),
    Parser(
        name="flagd",
        read=_import(import_flagd),
        seeds=together(
            given(FLAGD), suites("flagd-schemas/flags/positive/*.json"), suites("flagd-schemas/flagd/positive/*.json")
        ),
    ),
    Parser(
        name="json-logic",
        read=_import(lambda rule: import_flagd({"flags": {"f": {**_FLAG, "targeting": rule}}})),
        seeds=given(*_RULES),
    ),
    Parser(
        name="regexes",
        form=Form.TEXT,
        read=of_text(_regex),
        refuses=(ValueError,),
        seeds=given("^a+$", "(?i)@shop\\.example$", "[a-z]{2,5}|x", "\\p{Greek}"),
    ),
    Parser(name="json-logic-constants", read=of_answer(_logic), seeds=given(1, "1", None, [], [[1]], {}, True, "NaN")),
    Parser(
        name="microsoft",
        read=_import(import_microsoft),
        seeds=together(given(MICROSOFT), suites("microsoft/**/*.json")),
    ),
    Parser(
        name="launchdarkly",
        read=_import(import_launchdarkly),
        seeds=together(given(LAUNCHDARKLY), suites("launchdarkly/**/*.json")),
    ),
    Parser(
        name="launchdarkly-patch",
        read=of_answer(_patch),
        refuses=(InvalidError, RejectedError),
        seeds=given(
            {
                "key": "new-checkout",
                "variations": [{"_id": "a", "value": True, "name": "on"}, {"_id": "b", "value": False, "name": "off"}],
                "environments": {
                    "production": {
                        "on": True,
                        "offVariation": 1,
                        "fallthrough": {"variation": 1},
                        "rules": [
                            {"_id": "r", "description": "staff", "variation": 0, "clauses": []},
                            {"_id": "s", "ref": "staff", "rollout": {"variations": [{"variation": 0, "weight": 1000}]}},
                        ],
                        "targets": [{"variation": 0, "values": ["ann"]}],
                    }
                },
            }
        ),
    ),
    Parser(
        name="flag-split",
        form=Form.TEXT,
        read=of_text(parse_flag_split),
        refuses=(RejectedError,),
        write=lambda split: _encoded(flag_split(split)),
        seeds=given("flag:production/new-checkout", "flag:p/a#rule:staff", "flag:p/a/b#region:west-europe"),
    ),
)
