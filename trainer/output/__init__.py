"""The contents of a run's folder: checkpoints, weights, journal, pictures."""
