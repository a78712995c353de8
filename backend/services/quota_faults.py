"""What a resident is told when the quota's server gave no answer that counts."""

from backend.domain import refusals
from backend.domain.errors import HuiquanError
from backend.storage.redis.scripts import Unconfirmed


def refusal(error: Exception) -> HuiquanError:
    """Return the refusal that a fault of Valkey means: never "taken", never "refused for good"."""
    if isinstance(error, Unconfirmed):
        return refusals.ClaimUnconfirmed(str(error))
    return refusals.QuotaUnavailable(type(error).__name__)
