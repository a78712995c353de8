"""Builders of what tests of special subsidies need: a campaign at work, applications, evidence."""

import dataclasses
import io
from datetime import datetime

from PIL import Image
from sqlalchemy import update

from backend import clock
from backend.clock import CHINA
from backend.services import campaigns, subsidies, subsidy_files, subsidy_payouts, subsidy_reviews
from backend.services.subsidies import Account, Application
from backend.storage.models.campaigns import Campaign
from backend.storage.models.subsidies import Subsidy
from backend.storage.sql import transaction
from tests.factories import City, Person, approve, new_request

CAR, DEALER = "Q3-CAR", "TJ0012"
_DIGITS = "0123456789"


def picture(size: tuple[int, int] = (64, 48), kind: str = "JPEG") -> bytes:
    """Return a small picture."""
    out = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(out, kind)
    return out.getvalue()


def car(city: City) -> None:
    """Let the sample's car subsidy run, from April on."""
    with transaction() as session:
        opened = datetime(2023, 4, 1, tzinfo=CHINA)
        session.execute(update(Campaign).where(Campaign.id == CAR).values(opens_at=opened))
    approve(CAR, actor="test")
    campaigns.run(CAR, actor="test")


def application(number: int = 1, **changes: object) -> Application:
    """Return an application for the first tier; each number has its own invoice and vehicle."""
    made = Application(
        campaign_id=CAR,
        merchant_id=DEALER,
        invoice_number=f"{number:020d}",
        vin=f"1HGCM8263{number:08d}"[:17],
        invoice_amount_fen=6_000_000,
        invoice_day=clock.today(),
        account=Account(holder="张三", bank="示例银行同江支行", number=f"62220200{number:08d}"),
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]  # the caller's


def drafted(person: Person, number: int = 1, **changes: object) -> Subsidy:
    """Draft an application with its evidence."""
    made = subsidies.apply(
        resident_id=person.id,
        request_id=new_request(),
        application=application(number, **changes),
    )
    subsidy_files.put(subsidy_id=made.id, resident_id=person.id, name="photo", content=picture())
    return made


def submitted(person: Person, number: int = 1, **changes: object) -> Subsidy:
    """Submit an application."""
    made = drafted(person, number, **changes)
    return subsidies.submit(subsidy_id=made.id, resident_id=person.id)


def granted(person: Person, number: int = 1) -> Subsidy:
    """Grant an application by two people."""
    made = submitted(person, number)
    subsidy_reviews.first(subsidy_id=made.id, actor="商务局甲")
    return subsidy_reviews.grant(subsidy_id=made.id, actor="商务局乙")


def sent_back(person: Person, number: int = 1) -> Subsidy:
    """Return a granted subsidy whose payout the bank sent back."""
    made = granted(person, number)
    subsidy_payouts.create(number="P1", actor="财政甲")
    subsidy_payouts.answer(
        number="P1", subsidy_id=made.id, paid=False, proof="账号已注销", actor="财政乙"
    )
    return made


def list_one(city: City) -> None:
    """Put one granted subsidy into a payout list."""
    car(city)
    granted(city.resident())
    subsidy_payouts.create(number="P1", actor="财政甲")
