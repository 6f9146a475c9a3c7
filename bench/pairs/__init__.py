"""Pairs per second, and their share of what decoding the JPEGs alone would allow."""
