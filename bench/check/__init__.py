"""Comparison of our measures with those of the official evaluators."""
