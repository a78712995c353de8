"""What is printed: a shop's placard, those of many shops, a campaign's posters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import IO, Annotated, get_args
from urllib.parse import urlencode

from flask import Response, current_app, render_template, request
from pydantic import Field

from backend import clock
from backend.domain.errors import NotFound
from backend.domain.permissions import Permission
from backend.edge.console import tables
from backend.edge.console.access import ConsoleBlueprint, may, permitted
from backend.edge.public import campaign_facts, words
from backend.services import merchants, placard_batches, placards, programmes
from backend.services.placard_batches import Form, Selection
from backend.settings import Settings
from merchant_qr import poster
from merchant_qr.poster import PosterText
from merchant_qr.sheet import Size

blueprint = ConsoleBlueprint("placard_prints", __name__)
PDF = "application/pdf"


class BatchFilter(tables.Filter):
    """Which shops' placards, and how large."""

    domain: Annotated[str, Field(max_length=32, title="领域编号")] = ""
    area: Annotated[str, Field(max_length=64, title="区域")] = ""
    merchants: Annotated[str, Field(max_length=2000, title="商户编号，用空格分开")] = ""
    size: Size = "A5"

    @property
    def selection(self) -> Selection:
        """The same as the service wants it."""
        return Selection(
            domain_id=self.domain, area=self.area, merchant_ids=tuple(self.merchants.split())
        )


class PosterFilter(tables.Filter):
    """How large a poster."""

    size: poster.Size = "A3"


@dataclass(frozen=True)
class Batch:
    """Placards of many shops as a file that a job writes; fetched at 我的导出."""

    form: Form
    content_type: str
    permission: Permission = Permission.PLACARDS_READ
    export: Permission = Permission.PLACARDS_READ
    filter: type[tables.Filter] = BatchFilter
    title: str = "码牌"
    progress_rows: int = 50

    @property
    def name(self) -> str:
        """Its name among the exports."""
        return f"placards_{self.form}"

    @property
    def suffix(self) -> str:
        """How the file's name ends."""
        return self.form

    def write(
        self, query: Mapping[str, str], file: IO[bytes], progress: Callable[[int], None]
    ) -> int:
        """Write the placards of a filter; return how many."""
        wanted = BatchFilter.read(query)
        return placard_batches.write(
            file, wanted.selection, form=self.form, size=wanted.size, progress=progress
        )


BATCHES = (Batch("pdf", PDF), Batch("zip", "application/zip"))


@blueprint.get("/placards/batch")
@permitted(Permission.PLACARDS_READ)
def batch() -> str:
    """Choose shops, see how many placards that is, have them written; fetch posters."""
    wanted = BatchFilter.read(request.args)
    without = placard_batches.missing(wanted.selection)
    return render_template(
        "console/placard_batch.html",
        wanted=wanted,
        sizes=get_args(Size),
        count=placard_batches.count(wanted.selection),
        without=without,
        batches=BATCHES,
        query=urlencode(wanted.asked()),
        campaigns=campaign_facts.list_public(clock.now()) if may(Permission.CAMPAIGNS_READ) else (),
    )


@blueprint.get("/placards/<merchant_id:merchant_id>/print")
@permitted(Permission.PLACARDS_READ)
def sheet(merchant_id: str) -> str:
    """Show a placard as a page that the browser prints in the computer's own fonts."""
    return render_template(
        "console/placard_print.html",
        merchant=merchants.get(merchant_id),
        placard=placards.current(merchant_id),
        programme=programmes.current(),
    )


@blueprint.get("/placards/<merchant_id:merchant_id>/placard.svg")
@permitted(Permission.PLACARDS_READ)
def code(merchant_id: str) -> Response:
    """Give a shop's code as a picture."""
    return Response(placards.draw(merchant_id, "svg"), mimetype="image/svg+xml")


@blueprint.get("/placards/<merchant_id:merchant_id>/placard.pdf")
@permitted(Permission.PLACARDS_READ)
def pdf(merchant_id: str) -> Response:
    """Give a shop's placard as a PDF of `size`."""
    size = BatchFilter.read(request.args).size
    return Response(placards.draw(merchant_id, "pdf", size=size), mimetype=PDF)


@blueprint.get("/campaigns/<campaign_id:campaign_id>/poster.pdf")
@permitted(Permission.CAMPAIGNS_READ)
def campaign_poster(campaign_id: str) -> Response:
    """Give a campaign's poster, in the words of its public page, to which the code leads."""
    size = PosterFilter.read(request.args).size
    found = [one for one in campaign_facts.list_public(clock.now()) if one.id == campaign_id]
    programme = programmes.current()
    if not found or programme is None:
        raise NotFound(f"no public campaign {campaign_id}")
    campaign = found[0]
    settings: Settings = current_app.extensions["settings"]
    text = PosterText(
        programme_name=programme.name,
        campaign_name=campaign.name,
        dates=f"{campaign.opens_text} 至 {campaign.ends_text}",
        tiers=[
            (
                f"减{tier.face_yuan}元",
                f"满{words.yuan(tier.threshold_fen)}元可用" if tier.threshold_fen else "无门槛",
            )
            for tier in campaign.tiers
        ],
        rules=f"限{campaign.area or ''}公布名单内的{campaign.domains_text}商户使用",
        hotline=programme.hotline,
        url=f"{settings.public_base_url}/c/{campaign.id}",
    )
    drawn = poster.poster_pdf(text, size=size, cjk_font=settings.pdf_cjk_font)
    return Response(drawn, mimetype=PDF)
