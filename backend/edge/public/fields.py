"""What fields of the public pages' addresses share."""

from pydantic import BeforeValidator


def _digits(value: object) -> object:
    """A number in an address is plain digits: '1.0' and ' 1' would be second spellings."""
    if isinstance(value, str) and not (value.isascii() and value.isdigit()):
        raise ValueError("wants digits")
    return value


Digits = BeforeValidator(_digits)
