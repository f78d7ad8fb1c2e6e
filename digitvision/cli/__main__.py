"""Run the command line as `python -m digitvision.cli`."""

from digitvision.cli import main

main(prog_name="digitvision")
