"""Measurements of speed and the end-to-end demo; nothing here is imported by the toolkit."""
