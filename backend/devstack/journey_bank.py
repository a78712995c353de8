"""The journey's bank: what a partner does with the client that its engineers get.

`docs/bank/huiquan_bank_client.py` signs each call, and believes no answer that is not signed.
"""

import runpy
import time
from typing import Any

from backend.devstack.bootstrap_facts import PARTNER_ID, PARTNER_KEY_ID
from backend.devstack.paths import PROJECT_ROOT

CLIENT_FILE = PROJECT_ROOT / "docs/bank/huiquan_bank_client.py"
Told = tuple[int, dict[str, Any]]  # status and JSON


class Bank:
    """The sample partner, with one card.

    :param secret: of the partner's key, 64 hex digits
    :param run: begins every number, so that each run's are new
    """

    def __init__(self, base_url: str, *, secret: str, run: str) -> None:
        client = runpy.run_path(str(CLIENT_FILE))
        offset_s = client["development_offset_s"](base_url)
        self._client = client["Client"](base_url, PARTNER_ID, PARTNER_KEY_ID, secret, offset_s)
        self._run, self._card_token = run, f"tok-{run}"

    def bind_card(self, phone: str) -> Told:
        """Tell that the card was bound to who has this phone."""
        notice = {
            "request_number": f"{self._run}-card",
            "act": "bind",
            "phone": phone,
            "card_token": self._card_token,
            "last4": "0048",
            "happened_at_s": int(time.time() + self._client.clock_offset_s),
        }
        told: Told = self._client.sure("/cards/notices", notice)
        return told

    def quote(self, merchant_id: str, order_amount_fen: int) -> Told:
        """Ask what the card saves at a merchant."""
        told: Told = self._client.ask(
            "POST", "/discounts/quotes", self._purchase(merchant_id, order_amount_fen)
        )
        return told

    def confirm(self, merchant_id: str, order_amount_fen: int) -> Told:
        """Take the discount; always under the same number."""
        numbered = {
            "request_number": f"{self._run}-till",
            **self._purchase(merchant_id, order_amount_fen),
        }
        told: Told = self._client.sure("/discounts/confirmations", numbered)
        return told

    def _purchase(self, merchant_id: str, order_amount_fen: int) -> dict[str, Any]:
        return {
            "card_token": self._card_token,
            "merchant_id": merchant_id,
            "order_amount_fen": order_amount_fen,
        }
