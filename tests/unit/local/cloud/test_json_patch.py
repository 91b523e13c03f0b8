"""JSON Patch as RFC 6902 and its appendix have it."""

import pytest

from local.cloud.kubernetes.json_patch import MalformedPatchError, PatchError, apply_patch


@pytest.mark.parametrize(
    ("document", "operation", "after"),
    [
        ({"a": 1}, {"op": "add", "path": "/b", "value": 2}, {"a": 1, "b": 2}),
        ({"a": 1}, {"op": "add", "path": "/a", "value": 2}, {"a": 2}),
        ({"a": [1, 3]}, {"op": "add", "path": "/a/1", "value": 2}, {"a": [1, 2, 3]}),
        ({"a": [1]}, {"op": "add", "path": "/a/-", "value": [2]}, {"a": [1, [2]]}),
        ({"a": [1]}, {"op": "add", "path": "", "value": 5}, 5),
        ({"a": 1, "b": 2}, {"op": "remove", "path": "/a"}, {"b": 2}),
        ({"a": [1, 2, 3]}, {"op": "remove", "path": "/a/1"}, {"a": [1, 3]}),
        ({"a": [1, 2]}, {"op": "replace", "path": "/a/0", "value": None}, {"a": [None, 2]}),
        ({"a": {"b": 1}, "c": {}}, {"op": "move", "from": "/a/b", "path": "/c/d"}, {"a": {}, "c": {"d": 1}}),
        ({"a": [1, 2, 3]}, {"op": "move", "from": "/a/0", "path": "/a/2"}, {"a": [2, 3, 1]}),
        ({"a": [1]}, {"op": "copy", "from": "/a", "path": "/b"}, {"a": [1], "b": [1]}),
        ({"a/b": 1, "m~n": 2}, {"op": "test", "path": "/a~1b", "value": 1}, {"a/b": 1, "m~n": 2}),
        ({"m~n": 2}, {"op": "test", "path": "/m~0n", "value": 2.0}, {"m~n": 2}),
        ({"~1": 2}, {"op": "test", "path": "/~01", "value": 2}, {"~1": 2}),
    ],
    ids=str,
)
def test_an_operation_changes_what_it_names(document, operation, after):
    assert apply_patch(document, [operation]) == after


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "test", "path": "/a", "value": 2},
        {"op": "test", "path": "/a", "value": True},
        {"op": "test", "path": "/a", "value": "1"},
        {"op": "test", "path": "/c", "value": None},
        {"op": "test", "path": "/b", "value": [1]},
        {"op": "add", "path": "/c/d", "value": 1},
        {"op": "add", "path": "/b/3", "value": 1},
        {"op": "add", "path": "/b/01", "value": 1},
        {"op": "add", "path": "/a/b", "value": 1},
        {"op": "remove", "path": "/c"},
        {"op": "remove", "path": "/b/-"},
        {"op": "replace", "path": "/c", "value": 1},
        {"op": "move", "from": "/c", "path": "/d"},
        {"op": "move", "from": "/b", "path": "/b/0"},
        {"op": "copy", "from": "/b/2", "path": "/d"},
    ],
    ids=str,
)
def test_what_does_not_apply_leaves_everything_as_it_was(operation):
    document = {"a": 1, "b": [1, 2]}

    with pytest.raises(PatchError):
        apply_patch(document, [{"op": "add", "path": "/z", "value": 1}, operation])

    assert document == {"a": 1, "b": [1, 2]}


@pytest.mark.parametrize(
    "patch",
    [
        {},
        ["add"],
        [{"op": "merge", "path": "/a"}],
        [{"op": "add", "path": "a", "value": 1}],
        [{"op": "add", "path": "/a"}],
    ],
    ids=str,
)
def test_what_is_no_patch_is_told_apart_from_one_that_does_not_apply(patch):
    with pytest.raises(MalformedPatchError):
        apply_patch({}, patch)
