"""Options whose value is a key of a table: entering a name in the table is all it takes."""

from collections.abc import Collection

from tyro.constructors import PrimitiveConstructorSpec


def one_of(table: Collection[str]) -> PrimitiveConstructorSpec[str]:
    """Return the annotation of an option that takes a name in a table.

    ``head: Annotated[str, one_of(HEADS)]`` lists the names in the help and rejects others.

    Args:
        table: The names; looked at when the option is parsed.
    """

    def parse(words: list[str]) -> str:
        (name,) = words
        if name not in table:
            raise ValueError(f"{name!r}, expected one of {sorted(table)}")
        return name

    return PrimitiveConstructorSpec(
        nargs=1,
        metavar="{" + ",".join(table) + "}",
        instance_from_str=parse,
        is_instance=lambda value: isinstance(value, str),
        str_from_instance=lambda value: [value],
    )
