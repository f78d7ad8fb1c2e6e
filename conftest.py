"""Let nbval be strict although nbdev-clean blanks the execution counts of notebooks."""

import os
import tempfile


def pytest_configure(config):
    """Keep the models that notebooks train apart from those of the user who runs the tests."""
    folder = tempfile.TemporaryDirectory()
    config.add_cleanup(folder.cleanup)
    os.environ.setdefault("DIGITVISION_HOME", folder.name)


def pytest_collectstart(collector):
    """Leave what a notebook writes to stderr (progress bars, logs) out of the comparison."""
    if hasattr(collector, "skip_compare"):
        collector.skip_compare += ("stderr",)


def pytest_collection_modifyitems(items):
    """Give each cell the execution count that nbval asks for."""
    for item in items:
        if hasattr(item, "cell"):
            item.cell.execution_count = 1
