"""The command line ``inkling``: one module per group of commands.

Modules import at their top only what parsing needs; everything else is imported by the command that runs, so
that ``inkling --help`` is there at once.
"""

from napari_inkling.cli.app import main

__all__ = ["main"]
