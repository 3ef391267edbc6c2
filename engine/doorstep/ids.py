"""Names of kept things: a kind in front, so that one is not taken for another, and 120 bits that nobody guesses."""

import os
from base64 import b32encode

_BYTES = 15  # 24 characters
# From RFC 4648's letters to Crockford's: nothing that is read as something else.
_CROCKFORD = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789abcdefghjkmnpqrstvwxyz")


def new_id(kind: str) -> str:
    """`ord_7m3k…`: `kind` is ord, pcl, evt, rep, ban."""
    return f"{kind}_{b32encode(os.urandom(_BYTES)).translate(_CROCKFORD).decode()}"
