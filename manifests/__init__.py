"""Parquet manifests: schema, reading and atomic writing, split, invariants, queries."""
