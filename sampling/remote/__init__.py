"""Shards that are fetched: retries, copies on disk, whole shards in sequence."""
