"""The providers this installation has, by name."""

from backend.gateways.payments.at_till import AtTill
from backend.gateways.payments.protocol import PaymentProvider

PROVIDERS: dict[str, PaymentProvider] = {provider.name: provider for provider in (AtTill(),)}
