"""Let nbval be strict although nbdev-clean blanks the execution counts of notebooks."""


def pytest_collectstart(collector):
    """Leave what a notebook writes to stderr (progress bars, logs) out of the comparison."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr",)


def pytest_collection_modifyitems(items):
    """Give each cell the execution count that nbval asks for."""
    for item in items:
        if hasattr(item, "cell"):
            item.cell.execution_count = 1
