"""Validation: figures of boxes, and the choice of the best epoch."""
