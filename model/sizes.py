"""Sizes of the crops that the network takes. Without torch: a build and its workers import them."""

TEMPLATE_SIZE = 127
"""Side of a template crop in px."""
SEARCH_SIZE = 255
"""Side of a search crop in px."""
