"""The rival: a bare Flask endpoint that reads a JSON body and answers one, nothing else."""

from flask import Flask, request
from flask.typing import ResponseReturnValue

app = Flask(__name__)


@app.post("/api/v1/resident/campaigns/<campaign_id>/claims")
def claim(campaign_id: str) -> ResponseReturnValue:
    """Answer what was asked."""
    wanted = request.get_json()
    return {"campaign_id": campaign_id, "tier_position": wanted["tier_position"]}, 201


@app.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Say that it is up."""
    return {"ok": True}


@app.get("/page")
def page() -> str:
    """Answer a fixed page."""
    return "<!doctype html><title>bare</title><h1>bare</h1>"
