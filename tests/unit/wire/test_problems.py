"""Errors as callers see them."""

import json

import pytest

from shared.domain.errors import InvalidError, Problem, RejectedError, TryLaterError, VersionConflictError
from shared.wire.problems import NOT_FOUND, problem, problem_headers, problem_of


def test_wrong_input_is_told_field_by_field():
    status, document = problem_of(InvalidError(Problem("a.b", "is missing", 3), Problem("", "too long")))

    assert status == 400
    assert document == {
        "type": "urn:slipway:problem:invalid",
        "title": "The request is not valid",
        "status": 400,
        "detail": "a.b: is missing (line 3); and 1 more",
        "errors": [{"path": "a.b", "detail": "is missing", "line": 3}, {"path": "", "detail": "too long"}],
    }


def test_a_rule_that_forbids_is_a_conflict_with_its_reason():
    status, document = problem_of(RejectedError("nothing is live"))

    assert (status, document["type"], document["detail"]) == (409, "urn:slipway:problem:rejected", "nothing is live")


@pytest.mark.parametrize(
    ("after", "header"),
    [(None, "5"), (0.2, "1"), (7.5, "8"), (10**9, "3600"), (-3, "1"), (float("nan"), "5"), (float("inf"), "5")],
)
def test_an_unwell_dependency_is_to_be_tried_again(after, header):
    status, document = problem_of(TryLaterError("https://x?sig=s3cret failed", after_seconds=after))

    assert status == 503
    assert problem_headers(document) == {"Content-Type": "application/problem+json", "Retry-After": header}
    assert "s3cret" not in json.dumps(document)


def test_a_lost_race_is_to_be_tried_again_at_once():
    status, document = problem_of(VersionConflictError("etag"))

    assert (status, document["type"], document["retryAfter"]) == (503, "urn:slipway:problem:conflict", 1)


def test_of_an_error_that_is_not_ours_nothing_is_told():
    status, document = problem_of(KeyError("s3cret"))

    assert (status, document["type"]) == (500, "urn:slipway:problem:internal")
    assert "s3cret" not in json.dumps(document)
    assert problem_headers(document) == {"Content-Type": "application/problem+json"}


def test_other_problems_have_the_same_shape():
    assert problem(NOT_FOUND, "no rollout x", instance="/api/rollouts/x") == (
        404,
        {
            "type": "urn:slipway:problem:not-found",
            "title": "There is no such thing",
            "status": 404,
            "detail": "no rollout x",
            "instance": "/api/rollouts/x",
        },
    )
