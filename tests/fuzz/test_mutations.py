"""A release spec that was damaged a little is refused by naming the field, or reads as what it is rendered to."""

from tests.fuzz.mutations import examine_spec, mutation
from tests.fuzz.oracle import FindingError

MUTATIONS = 2000
SEED = 1


def test_a_damaged_spec_is_refused_by_its_field_or_rendered_to_what_reads_the_same():
    taken = 0
    for number in range(MUTATIONS):
        finding, is_taken = examine_spec(mutation(SEED, number))
        taken += is_taken
        if finding is not None:
            raise FindingError(finding)
    # Both ways were gone often enough to say something.
    assert MUTATIONS // 20 < taken < MUTATIONS // 2


def test_a_mutation_is_the_same_each_time():
    assert [mutation(SEED, number) for number in range(20)] == [mutation(SEED, number) for number in range(20)]
