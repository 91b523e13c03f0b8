"""The sandbox's Kubernetes API keeps HTTPRoutes as the real one does, and its gateway obeys what it has taken up."""

import pytest

from tests.kubernetes_cluster import BLUE, BOTH, GREEN, PATH, backend, rule, running_cluster
from tests.sandbox import fetch

HOME = PATH.rpartition("/")[0]
JSON_PATCH = {"Content-Type": "application/json-patch+json"}


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with running_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
def cluster(running):
    running.reset()
    return running


def patch(cluster, *operations, **headers):
    return cluster.call("PATCH", f"{PATH}?fieldManager=us", list(operations), **{**JSON_PATCH, **headers})


def owners(cluster):
    entries = cluster.route()["metadata"]["managedFields"]
    return {entry["manager"]: sorted(entry["fieldsV1"]["f:spec"]) for entry in entries}


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Basic x"])
def test_without_the_token_nothing_is_told(cluster, authorization):
    headers = {"Authorization": authorization} if authorization else {}

    got = fetch(f"{cluster.server}{PATH}", headers=headers)

    assert (got.status, got.json()["reason"]) == (401, "Unauthorized")


def test_routes_are_got_and_listed_and_others_are_not_there(cluster):
    assert cluster.call("GET", PATH).json() == cluster.route()
    assert [one["metadata"]["name"] for one in cluster.call("GET", HOME).json()["items"]] == ["shop"]
    assert cluster.call("GET", f"{HOME}/other").json()["reason"] == "NotFound"
    assert cluster.call("GET", "/api/v1/secrets").status == 404


def test_what_is_left_out_gets_the_apis_defaults(cluster):
    cluster.put_route({"backendRefs": [backend(BLUE)], "unknown": 1})

    assert cluster.rules() == [
        {
            "backendRefs": [{"name": BLUE, "port": 80, "group": "", "kind": "Service", "weight": 1}],
            "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
        }
    ]


def test_a_failed_test_refuses_the_whole_patch(cluster):
    before = cluster.route()
    put = {"op": "add", "path": "/spec/rules/0/backendRefs/0/weight", "value": 9}

    got = patch(cluster, put, {"op": "test", "path": "/metadata/resourceVersion", "value": "1"})

    assert (got.status, cluster.route()) == (422, before)


@pytest.mark.parametrize(
    ("operation", "headers", "status"),
    [
        ({"op": "add", "path": "/spec/rules/0/backendRefs/0/weight", "value": 1_000_001}, {}, 422),
        ({"op": "remove", "path": "/spec/rules/0"}, {}, 422),
        ({"op": "unknown", "path": "/spec"}, {}, 400),
        ({"op": "add", "path": "/spec/hostnames", "value": []}, {"Content-Type": "application/json"}, 415),
    ],
    ids=["too heavy", "no rules", "no operation", "no patch"],
)
def test_what_the_api_does_not_take_changes_nothing(cluster, operation, headers, status):
    before = cluster.route()

    assert patch(cluster, operation, **headers).status == status
    assert cluster.route() == before


def test_a_replacement_of_a_version_that_is_gone_conflicts(cluster):
    old = cluster.route()
    patch(cluster, {"op": "add", "path": "/spec/hostnames", "value": ["a.example"]})

    got = cluster.call("PUT", PATH, old)

    assert (got.status, got.json()["reason"]) == (409, "Conflict")


def test_each_write_is_a_new_version_and_only_what_is_wanted_a_new_generation(cluster):
    before = cluster.route()["metadata"]
    patch(cluster, {"op": "add", "path": "/metadata/annotations", "value": {"a": "b"}})
    noted = cluster.route()["metadata"]
    patch(cluster, {"op": "add", "path": "/spec/rules/0/backendRefs/0/weight", "value": 5})
    written = cluster.route()["metadata"]

    assert before["resourceVersion"] != noted["resourceVersion"] != written["resourceVersion"]
    assert (noted["generation"], written["generation"]) == (before["generation"], before["generation"] + 1)


def test_who_changes_a_field_becomes_its_only_owner(cluster):
    assert owners(cluster) == {"kubectl-replace": ["f:parentRefs", "f:rules"]}

    patch(cluster, {"op": "add", "path": "/spec/rules/0/backendRefs/0/weight", "value": 5})

    assert owners(cluster) == {"kubectl-replace": ["f:parentRefs"], "us": ["f:rules"]}


def test_what_the_gateway_has_not_taken_up_is_not_yet_obeyed(cluster):
    cluster.control("POST", "gateway", {"lag_seconds": 60})
    patch(cluster, {"op": "add", "path": "/spec/rules/0/backendRefs/1/weight", "value": 1_000_000})
    assert cluster.ask(20) == {"1": 20}

    cluster.control("POST", "gateway", {"lag_seconds": 0})
    cluster.wait_until_taken_up()

    assert cluster.ask(20)["2"] > 0


def test_rules_are_obeyed_and_what_falls_under_none_is_not_found(cluster):
    cluster.put_route(
        rule(backend(GREEN, 1), path="/checkout"), rule(backend(BLUE, 1), path="/version"), rule(path="/healthz")
    )

    assert cluster.ask(3, "/version") == {"1": 3}
    assert cluster.ask(3, "/checkout") == {"2": 3}
    assert cluster.ask(3, "/healthz") == {"status 500": 3}, "no backend"
    assert cluster.ask(3, "/") == {"status 404": 3}


def test_a_service_answers_at_its_own_host_past_the_weights(cluster):
    answers = {name: fetch(f"http://{host}/version").json()["version"] for name, host in cluster.hosts.items()}

    assert answers == {BLUE: "1", GREEN: "2"}


def test_a_cluster_that_was_killed_comes_back_as_it_was(tmp_path):
    with running_cluster(tmp_path) as cluster:
        cluster.put_route(rule(backend(BLUE, 3), backend(GREEN, 1)), BOTH)
        before = cluster.route()
        cluster.process.kill()
    with running_cluster(tmp_path) as again:
        assert (again.server, again.edge, again.hosts) == (cluster.server, cluster.edge, cluster.hosts)
        assert again.route() == before
        assert again.ask(10, "/version").total() == 10
