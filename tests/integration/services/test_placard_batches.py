"""Placards of many merchants: who is in, one file, the same to the byte."""

import io
import zipfile

import pypdfium2
import pytest
import zxingcpp

from backend.services import audit, placard_batches, placards, standings
from backend.services.placard_batches import Form, Selection
from merchant_qr.sheet import Size
from tests.factories import RESTAURANT, SUPERMARKET, City

ALL = Selection()


def written(selection: Selection = ALL, form: Form = "pdf", size: Size = "A5") -> bytes:
    out = io.BytesIO()
    placard_batches.write(out, selection, form=form, size=size)
    return out.getvalue()


def links(pdf: bytes) -> list[str]:
    found = []
    for page in pypdfium2.PdfDocument(pdf):
        (code,) = zxingcpp.read_barcodes(page.render(scale=100 / 72).to_pil().convert("L"))
        found.append(code.text)
    return found


def test_a_pdf_has_the_newest_placard_of_each_published_merchant_by_number(city: City) -> None:
    newest = placards.issue(RESTAURANT, actor="test").url
    assert links(written()) == [city.placard[SUPERMARKET], newest]
    assert placard_batches.count(ALL) == 2


def test_a_zip_has_a_file_for_each_named_by_merchant_and_serial(city: City) -> None:
    with zipfile.ZipFile(io.BytesIO(written(form="zip", size="A6"))) as archive:
        assert archive.namelist() == [f"{SUPERMARKET}-1.pdf", f"{RESTAURANT}-1.pdf"]
        assert links(archive.read(f"{RESTAURANT}-1.pdf")) == [city.placard[RESTAURANT]]


@pytest.mark.parametrize("form", ["pdf", "zip"])
def test_the_same_placards_give_the_same_bytes(city: City, form: Form) -> None:
    assert written(form=form) == written(form=form)


def test_a_selection_is_by_domain_by_area_or_by_name(city: City) -> None:
    for selection, expected in (
        (Selection(merchant_ids=(RESTAURANT,)), [RESTAURANT]),
        (Selection(domain_id="SUPER"), [SUPERMARKET]),
        (Selection(area="no such area"), []),
    ):
        with zipfile.ZipFile(io.BytesIO(written(selection, "zip"))) as archive:
            assert [name[:6] for name in archive.namelist()] == expected, selection


def test_who_is_suspended_is_not_printed_and_who_has_no_placard_is_told(city: City) -> None:
    standings.suspend(SUPERMARKET, actor="test", reason="核查")
    placards.revoke(RESTAURANT, 1, actor="test", reason="遗失")
    assert placard_batches.count(ALL) == 0
    without = placard_batches.missing(ALL)
    assert RESTAURANT in without
    assert SUPERMARKET not in without


def test_progress_is_told_after_each_placard(city: City) -> None:
    told: list[int] = []
    placard_batches.write(io.BytesIO(), ALL, form="pdf", size="A5", progress=told.append)
    assert told == [1, 2]


def test_a_placard_is_issued_to_each_that_has_none_and_each_is_audited(city: City) -> None:
    without = placard_batches.missing(ALL)
    assert without
    assert placard_batches.issue_missing(ALL, actor="li.wei") == len(without)
    assert placard_batches.missing(ALL) == []
    assert placard_batches.issue_missing(ALL, actor="li.wei") == 0
    acts = audit.entries(actor="li.wei", action="placard.issue").each()
    assert sorted(act.subject for act in acts) == sorted(f"{one}-1" for one in without)
