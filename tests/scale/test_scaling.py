"""What docs/scaling.md says on paper follows from what it says was measured."""

from pathlib import Path

from benchmarks.paper import paper

PAGE = (Path(__file__).parents[2] / "docs/scaling.md").read_text(encoding="utf-8")


def test_the_paper_is_computed_from_the_measured_tables():
    assert "\n".join(paper(PAGE)) in PAGE
