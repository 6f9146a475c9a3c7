"""A local, read-only look at builds in the browser: crops, tracks and pairs under a condition."""
