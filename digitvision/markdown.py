"""Tables in Markdown."""

from collections.abc import Iterable


def markdown_table(headings: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    "Return a Markdown table; each row has as many cells as there are headings."
    headings = list(headings)
    first, *rest = (f"| {' | '.join(cells)} |" for cells in (headings, *rows))
    return "\n".join([first, "|---" * len(headings) + "|", *rest])
