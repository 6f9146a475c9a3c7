"""The paper's two training stages: configuration, loop, checkpoints, recipes."""
