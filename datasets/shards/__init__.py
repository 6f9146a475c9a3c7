"""Shards of crops from annotations: plan, cutting, writing, records."""
