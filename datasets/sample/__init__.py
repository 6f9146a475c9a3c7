"""The made-up raw world that ``python -m datasets.sample`` writes."""
