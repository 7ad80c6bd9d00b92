"""Pictures that look like microscopy and whose truth is known, from a seed."""
