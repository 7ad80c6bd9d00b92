"""The napari side: the dock, and the layers on the canvas. The only package that knows napari and Qt."""
