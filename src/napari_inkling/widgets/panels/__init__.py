"""The parts of the dock, from top to bottom."""
