"""Networks: nn.Modules, tensors in and out. Each tells its ``stride`` and its ``reach`` in pixels."""
