"""What people and CI may ask."""

import json

import pytest

from shared.domain.errors import InvalidError
from shared.domain.rollout.commands import Action
from shared.wire.overrides import AdmissionRequest, OverrideRequest, parse_admission, parse_override


def paths_refused(parse, document):
    with pytest.raises(InvalidError) as error:
        parse(json.dumps(document).encode())
    return [problem.path for problem in error.value.problems]


@pytest.mark.parametrize("action", list(Action))
def test_every_action_can_be_asked_for(action):
    assert parse_override(json.dumps({"action": action}).encode()) == OverrideRequest(action=action)


def test_an_override_may_give_a_reason_and_the_step_it_means():
    asked = {"action": "skip", "reason": "known\nand harmless", "step": 0}

    assert parse_override(json.dumps(asked).encode()) == OverrideRequest(
        action=Action.SKIP, reason="known\nand harmless", step=0
    )


@pytest.mark.parametrize("nothing", [{"reason": None}, {"reason": ""}, {"step": None}])
def test_a_reason_or_step_may_be_left_empty(nothing):
    assert parse_override(json.dumps({"action": "pause", **nothing}).encode()) == OverrideRequest(action=Action.PAUSE)


@pytest.mark.parametrize(
    ("document", "paths"),
    [
        ({}, ["action"]),
        ({"action": "explode"}, ["action"]),
        ({"action": "Pause"}, ["action"]),
        ({"action": ["pause"]}, ["action"]),
        ({"action": "pause", "reason": 7}, ["reason"]),
        ({"action": "pause", "reason": "x" * 501}, ["reason"]),
        ({"action": "pause", "reason": "a\x00b"}, ["reason"]),
        ({"action": "pause", "step": -1}, ["step"]),
        ({"action": "pause", "step": True}, ["step"]),
        ({"action": "pause", "step": 1.0}, ["step"]),
        ({"action": "pause", "step": "1"}, ["step"]),
        ({"action": "pause", "force": True}, ["force"]),
        ({"reason": 7, "step": "x"}, ["action", "reason", "step"]),
        ([], [""]),
    ],
)
def test_an_override_with_wrong_fields_is_refused_by_each(document, paths):
    assert paths_refused(parse_override, document) == paths


def test_a_misspelt_action_is_refused_and_the_near_one_suggested():
    with pytest.raises(InvalidError, match=r"did you mean rollback\?"):
        parse_override(b'{"action": "rolback"}')


@pytest.mark.parametrize("body", [b"", b" ", b"{}", b'{"version": null}'])
def test_admission_can_be_asked_without_a_version(body):
    assert parse_admission(body) == AdmissionRequest()


def test_admission_can_be_asked_for_a_version():
    assert parse_admission(b'{"version": "2"}') == AdmissionRequest(version="2")


@pytest.mark.parametrize(
    ("document", "paths"), [({"version": 2}, ["version"]), ({"verison": "2"}, ["verison"]), ([], [""])]
)
def test_an_admission_with_wrong_fields_is_refused_by_each(document, paths):
    assert paths_refused(parse_admission, document) == paths
