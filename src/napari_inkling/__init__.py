"""napari-inkling: a few clicks, then every cell. Importing it loads neither torch nor Qt nor napari."""

from __future__ import annotations

from importlib.metadata import version

__version__ = version("napari-inkling")
__all__ = ["__version__"]
