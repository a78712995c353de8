"""Notices to the public (公告): a list, and a page for each, never anything but text."""

from typing import Annotated

from apiflask import APIBlueprint
from flask import current_app, render_template
from pydantic import BaseModel, Field

from backend.domain.errors import NotFound
from backend.domain.public_notices import paragraphs, pieces
from backend.edge.public import pages
from backend.edge.public.fields import Digits
from backend.services import public_notices
from backend.settings import Settings

blueprint = APIBlueprint("public_notices", __name__, tag="公开 public")
blueprint.after_request(pages.dress)

PAGE_SIZE = 20
MAX_NOTICES = 10_000


class PageWanted(BaseModel):
    """第几页。"""

    page: Annotated[int, Field(ge=1, le=MAX_NOTICES, description="页码，从1开始"), Digits] = 1


@blueprint.get("/notices")
@blueprint.input(PageWanted, location="query")
@blueprint.doc(responses=pages.document("公告", "text/html"))
def notices_page(query_data: PageWanted) -> str:
    """公告，新的在前。"""
    found = public_notices.list_public()
    return render_template(
        "notices.html",
        notices=found.page(query_data.page, PAGE_SIZE),
        page=query_data.page,
        pages=-(-found.count(at_most=MAX_NOTICES) // PAGE_SIZE),
    )


@blueprint.get("/notices/<int:number>")
@blueprint.doc(responses=pages.document("一则公告", "text/html"))
def notice_page(number: int) -> str:
    """一则公告；撤回的公告不再显示。"""
    notice = public_notices.public(number)
    settings: Settings = current_app.extensions["settings"]
    return render_template(
        "notice.html",
        notice=notice,
        paragraphs=[
            list(pieces(text, base_url=settings.public_base_url))
            for text in paragraphs(notice.body)
        ],
    )


@blueprint.get("/notices/<path:text>")
@blueprint.doc(hide=True)
def no_notice(text: str) -> str:
    """Answer what is no notice's number with a page, not with JSON."""
    raise NotFound(f"{len(text)} characters that are no notice")
