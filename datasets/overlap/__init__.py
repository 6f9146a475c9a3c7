"""The search for a benchmark's footage in training data: ``python -m datasets.overlap``."""
