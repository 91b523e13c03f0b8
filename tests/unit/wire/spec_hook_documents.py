"""Hooks and migrations as documents for the tests: one of each kind of call, and generated ones that must be taken."""

from typing import Any

from hypothesis import strategies as st

from tests.unit.wire.spec_strategies import optional, outcomes, seconds, slugs

JOB = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/g/providers/Microsoft.App/jobs/migrate"
WORKFLOW: dict[str, Any] = {
    "repository": "contoso/shop",
    "workflow": "migrate.yml",
    "ref": "main",
    "tokenSetting": "SLIPWAY_SECRET_GITHUB",
}
CALLS: dict[str, Any] = {
    "webhook": {"url": "https://hooks.example.org/smoke"},
    "github": WORKFLOW,
    "containerAppsJob": {"resource": JOB},
}
WAITED_FOR = ("before-rollout", "before-increase", "before-promotion")
AFTER = ("after-promotion", "on-rollback")


def _workflows() -> st.SearchStrategy[dict[str, Any]]:
    names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,20}", fullmatch=True).filter(lambda name: name != "slipway_id")
    values = st.sampled_from(["", "{version}", "5", "two\nlines", "\u00e4\U0001f6a2", "{other}"])
    return st.fixed_dictionaries(
        {
            "repository": st.sampled_from(["contoso/shop", "a/.github", "a-b/c_d.e"]),
            "workflow": st.sampled_from(["migrate.yml", "161335", "a.b.yaml"]),
            "ref": st.sampled_from(["main", "release/2.x", "refs/tags/v1", "caf\u00e9"]),
            "tokenSetting": st.just("SLIPWAY_SECRET_GITHUB"),
        },
        optional={"inputs": st.dictionaries(names, values, max_size=4)},
    )


def _calls() -> st.SearchStrategy[dict[str, Any]]:
    addresses = st.sampled_from(["https://hooks.example.org/smoke?a=b", "http://localhost:8080/", "https://[::1]/x"])
    webhooks = st.fixed_dictionaries(
        {"url": addresses},
        optional={"secretSetting": st.sampled_from(["OPS_KEY", "SLIPWAY_SECRET_X"]), "polls": st.booleans()},
    )
    return st.one_of(
        st.fixed_dictionaries({"webhook": webhooks}),
        st.fixed_dictionaries({"github": _workflows()}),
        st.fixed_dictionaries({"containerAppsJob": st.fixed_dictionaries({"resource": st.just(JOB)})}),
    )


_waited_for = optional(timeout=seconds(1, 604_800), otherwise=outcomes, pointOfNoReturn=st.booleans())


@st.composite
def hooks(draw: st.DrawFn) -> list[dict[str, Any]]:
    names = draw(st.lists(slugs.filter(lambda name: name not in ("expand", "contract")), max_size=4, unique=True))
    documents = []
    for name in names:
        stage = draw(st.sampled_from([*WAITED_FOR, *AFTER]))
        own = _waited_for if stage in WAITED_FOR else optional(timeout=seconds(1, 86_400))
        documents.append({"name": name, "at": stage} | draw(_calls()) | draw(own))
    return documents


@st.composite
def migrations(draw: st.DrawFn) -> dict[str, Any]:
    stages = draw(st.sampled_from([("expand",), ("contract",), ("expand", "contract")]))
    own = {"expand": _waited_for, "contract": optional(timeout=seconds(1, 604_800))}
    return {stage: draw(_calls()) | draw(own[stage]) for stage in stages}
