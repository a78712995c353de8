"""A programme file looked at before it is loaded (载入前核对): what it says, what would differ.

A loaded programme is never overwritten by a file. Its difference tells what a file says otherwise,
be it that the file was mended or that budgets and merchants have moved on since.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from flask import current_app
from sqlalchemy import select

from backend.domain import programmes as domain
from backend.domain.errors import NotFound
from backend.extensions import db
from backend.services import programmes
from backend.services.programme_files import canonical_digest
from backend.services.programme_yaml import MAX_BYTES
from backend.services.programmes import Loaded
from backend.settings import Settings
from backend.storage import files
from backend.storage.models.campaigns import Campaign
from backend.storage.models.merchants import Merchant
from backend.storage.models.programmes import Domain, Fund, Programme
from backend.storage.sql import table_of

FOLDER = "programmes"
FORM_BYTES = MAX_BYTES + 65_536  # a file and the form around it
Part = Literal["programme", "domain", "fund", "campaign", "merchant"]
Said = dict[str, object]
# What a life adds to a row, and what the row's place says already.
_OF_LIFE = {"id", "programme_id", "state", "epoch", "returned_fen"}
_DIGEST = re.compile("[0-9a-f]{64}")
_MERCHANT_FIELDS = ("name", "domain_id", "area", "uscc", "merchant_number")
_PROGRAMME_FIELDS = ("name", "total_fen", "lead_office", "hotline", "complaint_answer_days")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing that a file says otherwise; `field` is empty for what only one side has.

    :param field: a column's name, or 'tiers', 'domains', 'Q1 ceiling' …
    :param loaded: as it is loaded; None: not there
    :param in_file: as the file says it; None: not there
    """

    part: Part
    id: str
    field: str
    loaded: object
    in_file: object


@dataclass(frozen=True, kw_only=True)
class Preview:
    """A readable file: its digest, the programme it states, and how that differs.

    `is_loaded`: this programme, word for word, is what was loaded; loading it changes nothing.
    """

    digest: str
    programme: domain.Programme
    known_id: str | None
    is_loaded: bool
    differences: tuple[Difference, ...]


def keep(source: IO[bytes]) -> str:
    """Keep a file as it came and return its SHA-256: what is looked at is what is loaded.

    How large it may be is the form's rule; `preview` refuses one above a programme's bound.
    """
    with files.receive(_folder(), source, max_bytes=FORM_BYTES) as received:
        files.keep(_folder(), received)
        return received.digest


def preview(digest: str) -> Preview:
    """Read a kept file and compare it; nothing is changed.

    Raises NotFound, ProgrammeFileRefused with every fault's line, PaymentProviderMissing.
    """
    programme = programmes.read(_text(digest))
    known = programmes.current()
    is_loaded = known is not None and known.file_digest == canonical_digest(programme)
    found = () if known is None else tuple(_differences(known, programme))
    return Preview(
        digest=digest,
        programme=programme,
        known_id=known.id if known else None,
        is_loaded=is_loaded,
        differences=found,
    )


def load(digest: str, *, actor: str) -> Loaded:
    """Load a kept file as `programmes.load` does. Raises NotFound and what that raises."""
    return programmes.load(_text(digest), actor=actor)


def _differences(known: Programme, programme: domain.Programme) -> Iterator[Difference]:
    session = db.session()
    funds = {fund.id: _fund_said(fund) for fund in session.scalars(select(Fund))}
    campaigns = {c.id: _campaign_said(c) for c in session.scalars(select(Campaign))}
    shops = {m.id: _picked(m, _MERCHANT_FIELDS) for m in session.scalars(select(Merchant))}
    domains = {d.id: _picked(d, ("name",)) for d in session.scalars(select(Domain))}
    yield from _compare(
        "programme",
        {known.id: _picked(known, _PROGRAMME_FIELDS)},
        {programme.id: _picked(programme, _PROGRAMME_FIELDS)},
    )
    yield from _compare("domain", domains, {d.id: _picked(d, ("name",)) for d in programme.domains})
    yield from _compare("fund", funds, {f.id: _file_fund_said(f) for f in programme.funds})
    in_file = {c.id: _file_campaign_said(programme.id, c) for c in programme.campaigns}
    yield from _compare("campaign", campaigns, in_file)
    yield from _compare(
        "merchant", shops, {m.id: _picked(m, _MERCHANT_FIELDS) for m in programme.merchants}
    )


def _compare(
    part: Part, loaded: Mapping[str, Said], in_file: Mapping[str, Said]
) -> Iterator[Difference]:
    for id_ in sorted(loaded.keys() | in_file.keys()):
        ours, theirs = loaded.get(id_), in_file.get(id_)
        if ours is None or theirs is None:
            name = (ours or theirs or {})["name"]
            yield Difference(
                part=part,
                id=id_,
                field="",
                loaded=name if ours else None,
                in_file=name if theirs else None,
            )
            continue
        for field in sorted(ours.keys() | theirs.keys()):
            if ours.get(field) != theirs.get(field):
                yield Difference(
                    part=part,
                    id=id_,
                    field=field,
                    loaded=ours.get(field),
                    in_file=theirs.get(field),
                )


def _picked(row: object, fields: tuple[str, ...]) -> Said:
    return {field: getattr(row, field) for field in fields}


def _fund_said(fund: Fund) -> Said:
    said = _picked(fund, ("name", "lead_office", "amount_fen"))
    for quarter in fund.quarters:
        said |= _quarter_said(quarter.quarter, quarter.ceiling_fen, quarter.floor_fen)
    return said


def _file_fund_said(fund: domain.Fund) -> Said:
    said = _picked(fund, ("name", "lead_office", "amount_fen"))
    for quarter in fund.quarters:
        said |= _quarter_said(quarter.name, quarter.ceiling_fen, quarter.floor_fen)
    return said


def _quarter_said(name: str, ceiling_fen: int, floor_fen: int) -> Said:
    return {f"{name} ceiling_fen": ceiling_fen, f"{name} floor_fen": floor_fen}


def _campaign_said(row: Campaign) -> Said:
    return _columns(row) | {"domains": [found.id for found in row.domains]}


def _file_campaign_said(programme_id: str, campaign: domain.Campaign) -> Said:
    row = programmes.campaign_row(programme_id, campaign)
    return _columns(row) | {"domains": sorted(campaign.domain_ids)}


def _columns(row: Campaign) -> Said:
    """Return a campaign's terms as the database gives them back: a tuple as a list."""
    names = [column.key for column in table_of(Campaign).columns if column.key not in _OF_LIFE]
    said: Said = {name: getattr(row, name) for name in names}
    said["claim_windows"] = json.loads(json.dumps(row.claim_windows))
    said["tiers"] = [(t.threshold_fen, t.face_value_fen, t.count) for t in row.tiers]
    return said


def _text(digest: str) -> str:
    if not _DIGEST.fullmatch(digest):
        raise NotFound(f"programme file {digest[:16]!r}")
    try:
        content = files.where(_folder(), digest).read_bytes()
    except FileNotFoundError as error:
        raise NotFound(f"programme file {digest[:16]!r}") from error
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError(f"file {digest} is not what was kept")
    return content.decode("utf-8", errors="surrogateescape")


def _folder() -> Path:
    settings: Settings = current_app.extensions["settings"]
    return settings.files_dir / FOLDER
