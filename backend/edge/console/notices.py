"""Notices (公告): written, looked at as everybody will see them, sent for release, released."""

from typing import TYPE_CHECKING, Annotated, Literal

from flask import Response, current_app, render_template, request
from pydantic import Field

from backend.domain import public_notices as rules
from backend.domain.permissions import Permission
from backend.domain.public_notices import STATE_NAMES, PublicNoticeChanged, PublicNoticeInvalid
from backend.edge.console.access import ConsoleBlueprint, current_staff, permitted
from backend.edge.console.answers import done, form_again
from backend.edge.console.cells import Badge, Link, Tone
from backend.edge.console.forms import Form, WithReason
from backend.edge.console.tables import Column, Filter, Table
from backend.edge.console.words import action
from backend.services import public_notices
from backend.settings import Settings

if TYPE_CHECKING:
    from backend.services.listings import Listing
    from backend.storage.models.public_notices import PublicNotice

blueprint = ConsoleBlueprint("notices", __name__)
TONES: dict[str, Tone] = {"submitted": "busy", "published": "good", "withdrawn": "bad"}


class NoticeFilter(Filter):
    """Which notices are wanted."""

    state: Annotated[
        Literal["", "draft", "submitted", "published", "withdrawn"], Field(title="状态")
    ] = ""


class WithEdition(Form):
    """The words that were on the page, by their number."""

    edition: Annotated[int, Field(ge=1, le=10_000)]


def _find(wanted: NoticeFilter) -> "Listing[PublicNotice]":
    return public_notices.find(state=wanted.state or None)


def _state(notice: "PublicNotice") -> Badge:
    words = STATE_NAMES[notice.state]  # type: ignore[index]  # the schema knows only these
    return Badge(words, TONES.get(notice.state, "plain"))


TABLE: "Table[PublicNotice]" = Table(
    name="notices",
    title="公告",
    permission=Permission.NOTICES_READ,
    filter=NoticeFilter,
    find=_find,
    columns=(
        Column("编号", lambda n: str(n.id), width=8),
        Column("标题", lambda n: Link(n.title, "notices.notice", {"notice_id": n.id}), width=50),
        Column("状态", _state),
        Column("撰写人", lambda n: n.written_by),
        Column("撰写时间", lambda n: n.written_at),
        Column("发布人", lambda n: n.published_by),
        Column("发布时间", lambda n: n.published_at),
        Column("撤回原因", lambda n: n.withdrawn_why, width=40),
    ),
    choices={"state": lambda: list(STATE_NAMES.items())},
)


@blueprint.get("/notices")
@permitted(TABLE.permission)
def page() -> Response | str:
    """List notices, the last written first."""
    return TABLE.answer("console/notices.html")


@blueprint.get("/notices/new")
@permitted(Permission.NOTICES_WRITE)
def new() -> str:
    """Show an empty form."""
    return render_template("console/notice_form.html", title="", body="", **_form())


@blueprint.post("/notices")
@permitted(Permission.NOTICES_WRITE)
def write() -> Response:
    """Keep a draft, and show it as everybody will see it."""
    title, body = _words()
    try:
        notice = public_notices.write(title=title, body=body, actor=current_staff().name)
    except PublicNoticeInvalid as error:
        return form_again("console/notice_form.html", error, title=title, body=body, **_form())
    return done("已保存草稿，请核对下方预览后送审", "notices.notice", notice_id=notice.id)


@blueprint.get("/notices/<int:notice_id>")
@permitted(Permission.NOTICES_READ)
def notice(notice_id: int) -> str:
    """Show a notice as everybody sees it, what was done with it, and what can be done now."""
    found = public_notices.get(notice_id)
    settings: Settings = current_app.extensions["settings"]
    base_url = settings.public_base_url
    return render_template(
        "console/notice.html",
        notice=found,
        state=_state(found),
        paragraphs=[
            list(rules.pieces(text, base_url=base_url)) for text in rules.paragraphs(found.body)
        ],
        address=f"{base_url}/notices/{found.id}",
        steps=[
            (action(act.action), "plain", act.at, act.actor, act.details.get("reason"))
            for act in public_notices.acts(notice_id)
        ],
        is_own=found.written_by == current_staff().name,
    )


@blueprint.get("/notices/<int:notice_id>/edit")
@permitted(Permission.NOTICES_WRITE)
def edit_form(notice_id: int) -> str:
    """Show a draft's words to be changed."""
    found = public_notices.get(notice_id)
    return render_template(
        "console/notice_form.html", title=found.title, body=found.body, **_form(found)
    )


@blueprint.post("/notices/<int:notice_id>")
@permitted(Permission.NOTICES_WRITE)
def edit(notice_id: int) -> Response:
    """Put other words into one's own draft; what was typed comes back when it is refused."""
    title, body = _words()
    try:
        public_notices.edit(
            notice_id,
            title=title,
            body=body,
            edition=WithEdition.read().edition,
            actor=current_staff().name,
        )
    except (PublicNoticeInvalid, PublicNoticeChanged) as error:
        found = public_notices.get(notice_id)
        template = "console/notice_form.html"
        return form_again(template, error, title=title, body=body, **_form(found))
    return done("已保存修改，请核对下方预览后送审", "notices.notice", notice_id=notice_id)


@blueprint.post("/notices/<int:notice_id>/submit")
@permitted(Permission.NOTICES_WRITE)
def submit(notice_id: int) -> Response:
    """Send one's own draft for release."""
    public_notices.submit(notice_id, actor=current_staff().name)
    return done("已送审，由商务局审批人员发布", "notices.notice", notice_id=notice_id)


@blueprint.post("/notices/<int:notice_id>/publish")
@permitted(Permission.NOTICES_PUBLISH)
def publish(notice_id: int) -> Response:
    """Show everybody the words that were on the page."""
    edition = WithEdition.read().edition
    public_notices.publish(notice_id, edition=edition, actor=current_staff().name)
    return done("已发布，公众现在可以看到", "notices.notice", notice_id=notice_id)


@blueprint.post("/notices/<int:notice_id>/send-back")
@permitted(Permission.NOTICES_PUBLISH)
def send_back(notice_id: int) -> Response:
    """Have its writer mend what was sent for release."""
    reason = WithReason.read().reason
    public_notices.send_back(notice_id, reason=reason, actor=current_staff().name)
    return done("已退回撰写人修改", "notices.notice", notice_id=notice_id)


@blueprint.post("/notices/<int:notice_id>/withdraw")
@permitted(Permission.NOTICES_WITHDRAW)
def withdraw(notice_id: int) -> Response:
    """Take a notice away at once."""
    reason = WithReason.read().reason
    public_notices.withdraw(notice_id, reason=reason, actor=current_staff().name)
    return done("已撤回，公众不再看到", "notices.notice", notice_id=notice_id)


def _words() -> tuple[str, str]:
    return request.form.get("title", ""), request.form.get("body", "")


def _form(found: "PublicNotice | None" = None) -> dict[str, object]:
    return {
        "notice": found,
        "max_title": rules.MAX_TITLE_LENGTH,
        "max_body": rules.MAX_BODY_LENGTH,
    }
