"""What staff print: one placard as a page, many by a job, posters of a campaign."""

import io
import zipfile

import pypdfium2
import pytest
import zxingcpp

from backend.domain.staff import Role
from backend.services import exports, placards
from tests.console import Console
from tests.factories import MAY, RESTAURANT, SUPERMARKET, City


def scanned(pdf: bytes, dpi: int = 100) -> str:
    page = pypdfium2.PdfDocument(pdf)[0]
    (code,) = zxingcpp.read_barcodes(page.render(scale=dpi / 72).to_pil().convert("L"))
    return code.text


def test_many_placards_are_written_by_a_job_and_fetched(city: City, console: Console) -> None:
    operator = console.desk(Role.BUREAU_OPERATOR)
    page = operator.get("/console/placards/batch?size=A6").text
    assert '选中 <span class="num">2</span> 张' in page
    assert "没有在用的码牌" in page
    for table in ("placards_pdf", "placards_zip"):
        operator.post("/console/exports", table=table, query="size=A6")
    assert exports.run_due() == 2
    files = {}
    for export in exports.list_of(operator.name):
        answer = operator.get(f"/console/exports/{export.id}")
        files[export.table_name] = answer.data
        assert export.rows_done == 2
        assert answer.headers["Content-Disposition"].endswith(export.table_name[-3:])
        answer.close()
    assert scanned(files["placards_pdf"]) == city.placard[SUPERMARKET]
    with zipfile.ZipFile(io.BytesIO(files["placards_zip"])) as archive:
        assert archive.namelist() == [f"{SUPERMARKET}-1.pdf", f"{RESTAURANT}-1.pdf"]


def test_a_selection_narrows_what_is_printed_and_nothing_is_said_with_what_to_do(
    city: City, console: Console
) -> None:
    operator = console.desk(Role.BUREAU_OPERATOR)
    one = operator.get(f"/console/placards/batch?merchants={SUPERMARKET}").text
    assert '选中 <span class="num">1</span> 张' in one
    none = operator.get("/console/placards/batch?area=nowhere").text
    assert "请换一个范围" in none
    assert operator.get("/console/placards/batch?size=A0").status_code == 400


def test_a_placard_is_printed_from_the_browser_and_as_a_pdf(city: City, console: Console) -> None:
    media = console.desk(Role.MEDIA)
    page = media.get(f"/console/placards/{SUPERMARKET}/print")
    assert page.status_code == 200
    assert "家乐购" in page.text
    assert city.placard[SUPERMARKET].rpartition("/")[2] in page.text
    assert "unsafe-inline" not in page.headers["Content-Security-Policy"]
    assert "style=" not in page.text
    svg = media.get(f"/console/placards/{SUPERMARKET}/placard.svg")
    assert svg.mimetype == "image/svg+xml"
    pdf = media.get(f"/console/placards/{SUPERMARKET}/placard.pdf?size=A6")
    assert scanned(pdf.data) == city.placard[SUPERMARKET]
    placards.revoke(SUPERMARKET, 1, actor="test", reason="遗失")
    assert media.get(f"/console/placards/{SUPERMARKET}/print").status_code == 404


@pytest.mark.parametrize(("size", "dpi"), [("A3", 72), ("rollup", 24)])
def test_a_poster_speaks_of_the_campaign_and_leads_to_its_public_page(
    city: City, console: Console, size: str, dpi: int
) -> None:
    media = console.desk(Role.MEDIA)
    answer = media.get(f"/console/campaigns/{MAY}/poster.pdf?size={size}")
    assert answer.mimetype == "application/pdf"
    link = scanned(answer.data, dpi)
    assert link == f"https://xfq.example.gov.cn/c/{MAY}"
    assert city.get(link.removeprefix("https://xfq.example.gov.cn")).status_code == 200
    said = pypdfium2.PdfDocument(answer.data)[0].get_textpage().get_text_bounded()
    for text in ("五一乐购券", "减30元", "满100元可用", "2023年5月10日 24:00", "12345"):
        assert text in said, text
    assert media.get("/console/campaigns/Q9-NONE/poster.pdf").status_code == 404
    assert media.get(f"/console/campaigns/{MAY}/poster.pdf?size=A0").status_code == 400
