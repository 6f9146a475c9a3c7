"""Toys: one file per kind of extension, which CONTRIBUTING copies and enters."""
