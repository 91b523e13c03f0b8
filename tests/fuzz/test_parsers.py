"""Every parser takes what makes sense, and answers anything else with one of its own refusals."""

import pytest

from tests.fuzz.oracle import FindingError, check
from tests.fuzz.parser import Parser
from tests.fuzz.parsers import PARSERS
from tests.fuzz.random_run import Tally, run_round

EXAMPLES = 250
"""A parser, the same ones each time: `make fuzz` tries others."""
EXAMPLES_THAT_ASK = 30
"""Where each example is several requests over a socket."""


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_a_parser_takes_some_of_its_own_seeds_and_stumbles_over_none(parser: Parser):
    taken = [check(parser, seed) for seed in parser.seeds()]

    assert any(taken)


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.name)
def test_a_parser_refuses_what_it_does_not_take_with_its_own_errors_soon_and_clearly(parser: Parser):
    tally, examples = Tally(), EXAMPLES_THAT_ASK if parser.asks else EXAMPLES

    run_round(parser, 1, examples, tally)

    for finding in tally.findings.values():
        raise FindingError(finding)
    assert tally.examples >= examples // 2
