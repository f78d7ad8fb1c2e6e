"""Picture files built at random, sent to the app; docs/benchmarks.md has a run of 100,000."""

from benchmarks.fuzz import fuzz


def test_no_picture_file_is_answered_with_a_500(caplog):
    answers = list(fuzz(800))
    failed = [(kind, route, url) for kind, route, status, _, url in answers if status >= 500]
    assert not failed
    assert not caplog.records  # a decoded picture that cannot be framed would be logged: a bug
    assert {status for _, _, status, _, _ in answers} <= {200, 400, 413, 422}
    for kind in {kind for kind, *_ in answers}:  # it builds valid files of every format, and others
        assert {"ok", "invalid_image"} <= {answer[3] for answer in answers if answer[0] == kind}
