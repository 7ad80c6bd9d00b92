"""The training loop, devices, working scale, tiled prediction and model files. Needs torch to compute."""
