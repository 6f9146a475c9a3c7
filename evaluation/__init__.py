"""Benchmarks, exact metrics, results and reports."""
