"""Files with several documents, lists, documents beside, and files that cannot be taken."""

import pytest

from shared.wire.peers.accounts import Fate
from tests.unit.wire.peers.manifests import CANARY, TEMPLATE, canary, imported, rollout, said

DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec: {replicas: 2}\n"


def test_each_release_of_several_documents_is_a_spec_of_its_own():
    result = imported(f"---\n{CANARY}\n---\n{DEPLOYMENT}\n---\n{rollout('canary: {steps: [{setWeight: 5}]}')}", CANARY)

    assert [spec.origin for spec in result.specs] == [
        "Canary shop in file-1.yaml",
        "Rollout shop in file-1.yaml",
        "Canary shop in file-2.yaml",
    ]


def test_a_document_beside_stays_in_the_cluster_and_is_said():
    line = said(imported(f"{CANARY}\n---\n{DEPLOYMENT}"), "spec")

    assert (line.fate, line.document) == (Fate.NOT_NEEDED, 2)


def test_the_objects_of_a_list_are_taken_as_kubectl_writes_them():
    items = "".join(
        f"  - {line}\n" if n == 0 else f"    {line}\n" for n, line in enumerate(CANARY.strip().splitlines())
    )
    result = imported(f"apiVersion: v1\nkind: List\nitems:\n{items}")

    assert len(result.specs) == 1
    assert said(result, "items[0].spec.analysis.interval").fate is Fate.BECOMES


def test_json_is_taken_too():
    text = (
        '{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "shop"}, '
        '"spec": {"strategy": {"canary": {"steps": [{"setWeight": 5}]}}}}'
    )

    assert len(imported(text).specs) == 1


def test_one_file_that_is_refused_refuses_the_import():
    result = imported(CANARY, canary("stepWeight: often"))

    assert result.specs == ()
    assert [refusal.file for refusal in result.refusals] == ["file-2.yaml"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "file-1.yaml: the file is empty; allowed are manifests in YAML or JSON"),
        ("# nothing\n---\n", "file-1.yaml: the file is empty; allowed are manifests in YAML or JSON"),
        ("a: [1", "file-1.yaml:2: the text is not YAML: "),
        ("a: 1\nb: 2\n\tc: 3", "file-1.yaml:3: YAML is not indented with tabs; use spaces"),
        ("- a\n- b\n", "file-1.yaml:1: found a list; allowed is an object"),
        ("name: shop\n", "kind: is missing; taken are a Canary of Flagger or a Rollout of Argo Rollouts"),
        (DEPLOYMENT, 'file-1.yaml:2: kind: found "Deployment"; taken are a Canary'),
        (
            TEMPLATE.replace("CONDITION", ""),
            "kind: an AnalysisTemplate says how figures are asked for, and releases nothing",
        ),
        (DEPLOYMENT.replace("kind: Deployment", "kind: 5"), "kind: found 5; allowed is a text"),
    ],
)
def test_what_is_no_release_is_refused_with_the_reason_and_the_line(text, told):
    result = imported(text)

    assert (result.specs, result.lines) == ((), ())
    [refusal] = result.refusals
    assert told in str(refusal)


def test_null_is_as_if_it_were_not_there_and_is_accounted_for():
    result = imported(canary("stepWeight:\nmirror: null"))

    assert result.refusals == ()
    assert "null" in said(result, "spec.analysis.mirror").words
