"""What values of a release spec look like, for documents that are generated."""

from typing import Any

from hypothesis import strategies as st

slugs = st.from_regex(r"\A[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?\Z")
windows = st.sampled_from([("5s", 5), ("30s", 30), ("1m", 60), ("PT5M", 300), ("1h", 3600)])
outcomes = st.sampled_from(["rollback", "pause"])
percents = st.decimals(min_value=0, max_value=100, places=3).map(lambda percent: f"{percent}%")
fractions = percents | st.floats(min_value=0, max_value=0.999, allow_subnormal=False).filter(
    lambda f: f == 0 or f > 1e-8
)
milliseconds = (
    st.integers(0, 3_600_000)
    | st.floats(min_value=0.001, max_value=3_600_000)
    | st.integers(0, 3600).map(lambda seconds: f"{seconds}s")
    | st.decimals(min_value=0, max_value=3_600_000, places=2).map(lambda ms: f"{ms}ms")
)
rates = st.integers(0, 10**9) | st.floats(min_value=0, max_value=1e9)


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


def seconds(least: int, most: int) -> st.SearchStrategy[str]:
    return st.integers(least, most).map(lambda total: f"{total}s") | st.integers(least, most).map(
        lambda total: f"PT{total // 60}M{total % 60}S"
    )


numbers = st.integers(-(10**9), 10**9) | st.floats(min_value=-1e9, max_value=1e9)
amounts = st.integers(0, 10**9) | st.floats(min_value=0, max_value=1e9)
decimals = st.decimals(min_value=0, max_value=99, places=4).map(str) | st.integers(0, 99).map(str)
