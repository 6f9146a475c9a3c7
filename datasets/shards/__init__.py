"""Shards of crops from annotations: what is planned, cut, written and recorded."""
