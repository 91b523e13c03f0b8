"""What is explained is what is served."""

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.flags.compile import compile_flags
from shared.domain.flags.explain import explain
from tests.unit.domain.flags.patterns import python_regexes
from tests.unit.domain.flags.random_flags import FLAG_KEYS, REGIONS, all_flags, all_segments, contexts, moments


@settings(max_examples=25, deadline=None)
@given(all_flags, all_segments, st.lists(contexts, min_size=1, max_size=4), moments, st.sampled_from([*REGIONS, ""]))
def test_what_is_explained_is_what_is_served(flags, segments, asking, now, region):
    rules = compile_flags(flags, segments, regexes=python_regexes)
    by_key, by_name = {flag.key: flag for flag in flags}, {segment.key: segment for segment in segments}
    for context in asking:
        for key in FLAG_KEYS:
            told = explain(key, context, by_key, by_name, now=now, region=region, regexes=python_regexes)
            assert told.evaluation == rules.evaluate(key, context, now=now, region=region)
