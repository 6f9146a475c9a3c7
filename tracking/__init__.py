"""Trackers behind ``init`` and ``update``, video in and out."""
