"""MACs of short texts that we hand out and check again: tokens, receipts, tickets.

BLAKE2b with a key is a MAC by itself (RFC 7693, keyed hashing) and takes a third of HMAC-SHA256's
time, which the opening second spends up to three times a claim. Its personalisation parts the
purposes: a MAC made for one is none for another, under one key.
"""

import base64
from hashlib import blake2b


def mac(text: str, *, key: bytes, purpose: bytes) -> str:
    """Return 128 bits over a text as 22 characters of 0-9A-Za-z_-.

    :param key: up to 64 bytes
    :param purpose: up to 16 bytes; no two uses of a key share one
    """
    digest = blake2b(text.encode(), key=key, person=purpose, digest_size=16).digest()
    return base64.urlsafe_b64encode(digest)[:22].decode()
