"""JSON of others: any damage is a ValueError."""

import json
from collections.abc import Callable
from typing import Any


def parse_json(
    text: str | bytes, *, object_hook: Callable[[dict[str, Any]], Any] | None = None
) -> Any:
    """Return the content of a JSON document.

    Args:
        text: The document.
        object_hook: As of `json.loads`.

    Raises:
        ValueError: It is not JSON, not in UTF-8, or nested deeper than Python's stack.
    """
    try:
        return json.loads(text, object_hook=object_hook)
    except RecursionError:
        raise ValueError("nested too deeply") from None
