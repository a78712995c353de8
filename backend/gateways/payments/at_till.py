"""`at_till`: the merchant collects the rest by its own till and confirms. No outside party."""

from backend.gateways.payments.protocol import Charge, PaymentState


class AtTill:
    """Nobody but the clerk knows whether the customer paid, so every answer is `pending`."""

    name = "at_till"

    def charge(self, charge: Charge) -> PaymentState:
        """The till is told the amount by the screen; the confirmation comes from the clerk."""
        return PaymentState(status="pending")

    def query(self, charge: Charge) -> PaymentState:
        """The till reports nothing by itself."""
        return PaymentState(status="pending")

    def close(self, charge: Charge) -> PaymentState:
        """Nothing was started outside, so closing always succeeds."""
        return PaymentState(status="closed")
