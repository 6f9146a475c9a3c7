"""The page that ``python -m datasets.report`` writes about builds."""
