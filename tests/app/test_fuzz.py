"""A short run of the fuzzer; docs/benchmarks.md has the long one."""

from benchmarks.fuzz import fuzz


def test_no_damaged_picture_is_a_500():
    answers = fuzz(1500)
    assert {status for status, *_ in answers} <= {200, 400, 413, 422}
    assert len(answers) > 20  # it reaches far into the decoders
