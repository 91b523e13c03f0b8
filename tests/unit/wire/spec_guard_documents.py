"""Guards of a release spec as documents that must be taken, each with a test that fits what is measured."""

from typing import Any

from hypothesis import strategies as st

from tests.unit.wire.spec_strategies import amounts, decimals, fractions, milliseconds, numbers, optional, rates, slugs


@st.composite
def tolerances(draw: st.DrawFn, slack: str) -> str:
    """Words with `slack` as the form of the part that does not grow."""
    parts = draw(st.permutations([f"{draw(decimals)}% relative", slack.format(draw(decimals))]))
    said = draw(st.sampled_from([" plus ", " and ", " + ", "+"])).join(parts[: draw(st.integers(1, 2))])
    return draw(st.sampled_from([said, f"no worse than {said}", "no tolerance"]))


def ratios(limits: st.SearchStrategy[Any], least: float = 0.001) -> st.SearchStrategy[dict[str, Any]]:
    ratio = st.fixed_dictionaries({"max": st.floats(min_value=least, max_value=1000)}, optional={"slack": limits})
    return ratio.map(lambda ratio: {"ratio": ratio})


def one_of_its(name: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({name: values})


quantiles = st.lists(
    st.decimals(min_value=50, max_value="99.999", places=3).map(lambda percent: f"p{percent}"),
    min_size=1,
    max_size=5,
    unique=True,
)
tails = st.just(True) | optional(quantiles=quantiles, tolerance=tolerances("{}% of the tail"))
objectives = st.decimals(min_value=50, max_value="99.9999", places=4).map(lambda percent: f"{percent}%")
TESTS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "error-rate": ratios(fractions)
    | one_of_its("max", fractions)
    | one_of_its("tolerance", tolerances("{} points"))
    | st.fixed_dictionaries(
        {"objective": objectives}, optional={"burn": st.floats(0.01, 1.9), "andCompared": st.booleans()}
    ),
    "latency": ratios(milliseconds)
    | one_of_its("max", milliseconds)
    | one_of_its("min", milliseconds)
    | one_of_its("tolerance", tolerances("{}ms"))
    | one_of_its("tail", tails),
    "requests": one_of_its("max", rates)
    | st.builds(lambda limit: {"min": 0, "max": limit}, rates)
    | one_of_its("share", st.just(True) | optional(tolerance=st.integers(0, 90).map(lambda percent: f"{percent}%"))),
}
COMPARED_VALUES = {
    "counter": ratios(fractions, 1) | one_of_its("tolerance", tolerances("{} points")),
    "gauge": ratios(amounts, 1) | one_of_its("tolerance", tolerances("{}")),
}
LIMITED_VALUES = {"counter": one_of_its("max", fractions), "gauge": one_of_its("min", numbers)}


@st.composite
def guard_tests(draw: st.DrawFn, metrics: dict[str, Any], source: str) -> dict[str, Any]:
    """A metric, and a test that goes with it and with what is measured."""
    if metrics.get("values") and draw(st.booleans()):
        value = draw(st.sampled_from(metrics["values"]))
        test = draw(LIMITED_VALUES[value["kind"]])
        if draw(st.booleans()):
            test = draw(COMPARED_VALUES[value["kind"]]) | {"worse": draw(st.sampled_from(["lower", "higher"]))}
        return {"metric": value["kind"], "value": value["name"]} | test
    metric = draw(
        st.sampled_from(["error-rate", "requests", *(["latency"] if source not in ("prometheus", "web") else [])])
    )
    if metric == "latency" and source != "azure-monitor" and draw(st.booleans()):
        slower = st.fixed_dictionaries({"slowerThan": milliseconds}, optional={"tolerance": tolerances("{} points")})
        return {"metric": metric} | draw(slower)
    return {"metric": metric} | draw(TESTS[metric])


@st.composite
def guards(draw: st.DrawFn, window: int, metrics: dict[str, Any], source: str) -> list[dict[str, Any]]:
    names = draw(st.lists(slugs, min_size=1, max_size=4, unique=True))
    drawn = [
        {"name": name}
        | draw(guard_tests(metrics, source))
        | draw(optional(over=st.integers(1, 20).map(lambda n: f"{n * window}s"), minimumRequests=st.integers(1, 10**6)))
        | draw(optional(notifyOnly=st.booleans(), critical=st.just(False)))
        for name in names
    ]
    if all("share" in guard or guard.get("notifyOnly") for guard in drawn):
        drawn[0] = {"name": names[0], "metric": "error-rate", "max": "1%"}
    return drawn
