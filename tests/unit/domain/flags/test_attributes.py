"""Where in a context something is found."""

import pytest

from shared.domain.flags.attributes import reader
from shared.domain.flags.model import Attribute

MULTI = {
    "kind": "multi",
    "user": {"key": "ann", "plan": "pro"},
    "organisation": {"key": "acme", "at": {"city": "Ghent"}},
}


def found(path, context, kind=None, region=""):
    path = (path,) if isinstance(path, str) else path
    return reader(Attribute(path, kind))(context, region)


@pytest.mark.parametrize(
    ("path", "context", "expected"),
    [
        ("plan", {"plan": "pro"}, "pro"),
        ("plan", {}, None),
        ("/plan", {"/plan": "pro"}, "pro"),
        (("address", "city"), {"address": {"city": "Ghent"}}, "Ghent"),
        (("address", "city"), {"address": "Ghent"}, None),
        (("address", "0"), {"address": ["Ghent"]}, None),
        (("a", "b", "c"), {"a": {"b": {"c": 1}}}, 1),
        ("kind", {"kind": "user"}, "user"),
        ("key", {"targetingKey": "ann"}, None),
    ],
)
def test_without_a_kind_the_context_is_read_as_it_came(path, context, expected):
    assert found(path, context) == expected


@pytest.mark.parametrize(
    ("kind", "path", "context", "expected"),
    [
        ("user", "plan", {"kind": "user", "key": "ann", "plan": "pro"}, "pro"),
        ("organisation", "plan", {"kind": "user", "key": "ann", "plan": "pro"}, None),
        ("user", "plan", MULTI, "pro"),
        ("organisation", "key", MULTI, "acme"),
        ("organisation", ("at", "city"), MULTI, "Ghent"),
        ("device", "key", MULTI, None),
        ("kind", "key", {"kind": "multi"}, None),
        ("user", "key", {"targetingKey": "ann"}, "ann"),
        ("user", "key", {"targetingKey": "ann", "key": "bob"}, "ann"),
        ("user", "plan", {"targetingKey": "ann", "plan": "pro"}, "pro"),
        ("organisation", "plan", {"targetingKey": "ann", "plan": "pro"}, None),
        ("user", "plan", {"key": "ann", "custom": {"plan": "pro"}}, "pro"),
        ("user", "name", {"key": "ann", "custom": {"name": "Ann"}}, None),
        ("user", "plan", {"kind": "user", "key": "ann", "custom": {"plan": "pro"}}, None),
        ("user", "kind", {"targetingKey": "ann"}, ["user"]),
        ("user", "kind", {"kind": "device", "key": "d"}, ["device"]),
        ("user", "kind", MULTI, ["user", "organisation"]),
        ("user", "anonymous", {"kind": "user", "key": "ann"}, False),
        ("user", "anonymous", {"kind": "user", "key": "ann", "anonymous": True}, True),
        ("user", "_meta", {"kind": "user", "key": "ann", "_meta": {}}, None),
        ("user", "plan", {"kind": "multi", "user": "ann"}, None),
        ("user", "plan", {"kind": 7, "plan": "pro"}, None),
    ],
)
def test_with_a_kind_the_part_of_that_kind_is_read(kind, path, context, expected):
    assert found(path, context, kind) == expected


@pytest.mark.parametrize(
    ("context", "app", "expected"),
    [
        ({"region": "westeurope"}, "northeurope", "westeurope"),
        ({}, "northeurope", "northeurope"),
        ({"region": 5}, "northeurope", "northeurope"),
        ({}, "", None),
    ],
)
def test_the_region_is_the_apps_where_the_context_has_none(context, app, expected):
    assert found("region", context, region=app) == expected
