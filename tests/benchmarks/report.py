"""docs/benchmarks.md and scaling.md: what a benchmark measured goes between its two marks."""

import re
from pathlib import Path

DOCS = Path(__file__).parent.parent.parent / "docs"


def put(name: str, lines: list[str], page: str = "benchmarks.md") -> None:
    "Print the lines, and put them where the marks `<!-- name -->` and `<!-- /name -->` are."
    text = "\n".join(lines)
    print(text)
    file = DOCS / page
    before = file.read_text(encoding="utf-8")
    mark = re.compile(f"(<!-- {name} -->\n).*?(\n<!-- /{name} -->)", re.DOTALL)
    if not mark.search(before):
        raise ValueError(f"{file} has no place for {name}.")
    file.write_text(
        mark.sub(lambda found: f"{found[1]}\n{text}\n{found[2]}", before), encoding="utf-8"
    )
