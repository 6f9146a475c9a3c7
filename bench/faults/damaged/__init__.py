"""Damaged files of others: readers, mutations, and a process that reads within limits."""
