"""The providers this installation has, by name. `at_till` is always there."""

from flask import Flask, current_app

from backend.gateways.payments.at_till import AtTill
from backend.gateways.payments.protocol import PaymentProvider
from backend.settings import Settings


def init_app(app: Flask, settings: Settings) -> None:
    """Build the providers that the settings name."""
    providers: list[PaymentProvider] = [AtTill()]
    app.extensions["payment_providers"] = {provider.name: provider for provider in providers}


def provider(name: str) -> PaymentProvider:
    """Return a provider of the running application; KeyError for one it does not have."""
    providers: dict[str, PaymentProvider] = current_app.extensions["payment_providers"]
    return providers[name]
