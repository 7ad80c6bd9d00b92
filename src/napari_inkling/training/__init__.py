"""The one training loop, devices, working scale, tiled prediction and model files. Needs torch where it computes."""
