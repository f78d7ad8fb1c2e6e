"""Tables in Markdown."""

from collections.abc import Iterable


def markdown_table(
    headings: Iterable[str],
    rows: Iterable[Iterable[str]],  # as many cells in each as there are headings
) -> str:
    "Return a Markdown table. Raises ValueError if a row has more or fewer cells than headings."
    headings = list(headings)
    lines = [headings]
    for row in map(list, rows):
        if len(row) != len(headings):
            raise ValueError(f"A row has {len(row)} cells, not {len(headings)}: {row}.")
        lines.append(row)
    first, *rest = (f"| {' | '.join(line)} |" for line in lines)
    return "\n".join([first, "|---" * len(headings) + "|", *rest])
