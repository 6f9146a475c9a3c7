"""DCFFNet and its baselines: backbones, correlation, fusion, heads, losses, weights."""
