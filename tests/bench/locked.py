"""The rival most would write: Flask-SQLAlchemy, the campaign's row locked by SELECT FOR UPDATE."""

import os

from flask import Flask, request
from flask.typing import ResponseReturnValue
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The rival's own tables."""


db = SQLAlchemy(model_class=Base)
app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["RIVAL_URL"]
db.init_app(app)


class Campaign(db.Model):  # type: ignore[name-defined]  # made at run time
    """What is left."""

    __tablename__ = "campaigns"
    id: Mapped[str] = mapped_column(primary_key=True)
    left: Mapped[int]


class Claim(db.Model):  # type: ignore[name-defined]  # made at run time
    """Who has one."""

    __tablename__ = "claims"
    id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[str]
    resident: Mapped[str]
    __table_args__ = (UniqueConstraint("campaign_id", "resident"),)


@app.post("/api/v1/resident/campaigns/<campaign_id>/claims")
def claim(campaign_id: str) -> ResponseReturnValue:
    """Take one unit for a resident who has none yet."""
    resident = request.get_json()["request_id"]  # no token to check: that is the rival's gain
    campaign = db.session.get_one(Campaign, campaign_id, with_for_update=True)
    known = db.select(Claim).filter_by(campaign_id=campaign_id, resident=resident)
    if (held := db.session.scalar(known)) is not None:
        return {"claim_id": held.id}, 201
    if campaign.left < 1:
        return {"error": "sold_out"}, 409
    campaign.left -= 1
    taken = Claim(campaign_id=campaign_id, resident=resident)
    db.session.add(taken)
    db.session.commit()
    return {"claim_id": taken.id}, 201


@app.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Say that it is up."""
    return {"ok": True}


def reset(campaign_id: str) -> None:
    """Give the campaign all its units, and nobody one."""
    with app.app_context():
        db.create_all()
        db.session.query(Claim).delete()
        db.session.query(Campaign).delete()
        db.session.add(Campaign(id=campaign_id, left=10_000_000))
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
