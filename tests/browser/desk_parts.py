"""A shop's desk in a browser, and a scanner gun for it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from playwright.sync_api import Page
from sqlalchemy import select

from backend.extensions import db
from backend.services import desk_sessions, payment_codes
from backend.storage.models.orders import Order
from tests.factories import City, Person

if TYPE_CHECKING:
    from tests.browser.conftest import Eyes

End = Literal["CR", "LF", "Tab", "CRLF"]
KEYS: dict[End, tuple[str, ...]] = {
    "CR": ("Enter",),
    "LF": ("Control+j",),
    "Tab": ("Tab",),
    "CRLF": ("Enter", "Control+j"),
}
BROWSER_NAME = "Mozilla/5.0 (test)"


def desk_token(clerk: Person) -> str:
    """Return the token of a desk that a clerk has opened."""
    number = desk_sessions.issue(clerk.id).number
    return desk_sessions.sign_in(number, address="203.0.113.7", browser=BROWSER_NAME)


def shown_code(city: City, person: Person | None = None) -> str:
    """Return the payment code on the phone of somebody with a voucher of 10 yuan."""
    buyer = person or city.resident()
    city.claim(buyer, tier=1)
    return payment_codes.issue(buyer.id).code


@dataclass
class Shop:
    """A clerk in front of his desk."""

    city: City
    clerk: Person
    eyes: "Eyes"

    @property
    def page(self) -> Page:
        """The page he looks at."""
        return self.eyes.page

    def enter(self, yuan: str) -> None:
        """Type an amount into the field that has the focus."""
        self.page.keyboard.type(yuan)
        self.page.keyboard.press("Enter")

    def scan(self, text: str, end: End = "CR") -> None:
        """Type as a gun does: a character every 2 ms, and what it is set up to end with."""
        self.page.keyboard.type(text, delay=2)
        for key in KEYS[end]:
            self.page.keyboard.press(key)

    def headline(self, text: str) -> None:
        """Wait until the result says something."""
        self.page.locator("#headline", has_text=text).wait_for()

    def collect(self) -> None:
        """Confirm by keyboard, after the moment in which an Enter counts as the gun's."""
        self.headline("请收")
        self.page.wait_for_timeout(650)
        self.page.keyboard.press("Enter")
        self.headline("收款完成")

    def focused(self) -> str:
        """Return the id of the field that has the focus."""
        found: str = self.page.evaluate("document.activeElement.id")
        return found


def statuses() -> list[str]:
    """Return what became of each order, in the order they were made."""
    db.session.rollback()
    return list(db.session.scalars(select(Order.status).order_by(Order.created_at, Order.id)))
