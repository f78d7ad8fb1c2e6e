"""Lets nbval run the notebooks in strict mode although nbdev-clean blanks their execution counts."""


def pytest_collectstart(collector):
    if hasattr(collector, "skip_compare"):  # a notebook: progress bars and logs go to stderr
        collector.skip_compare += ("stderr",)


def pytest_collection_modifyitems(items):
    for item in items:
        if hasattr(item, "cell"):
            item.cell.execution_count = 1
