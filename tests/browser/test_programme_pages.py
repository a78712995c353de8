"""Loading a programme's file, wide and narrow, by keyboard alone."""

from pathlib import Path

import pytest
from apiflask import APIFlask

from backend.domain.staff import Role
from backend.services import programmes
from tests.browser.conftest import DESK, PHONE, PageAs
from tests.factories import SAMPLE, City


@pytest.mark.parametrize("width", [DESK, PHONE], ids=["desk", "phone"])
def test_a_file_is_mended_looked_at_and_loaded_by_keyboard(
    app: APIFlask, page_as: PageAs, tmp_path: Path, width: int
) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(SAMPLE.read_text().replace("amount: 121000", "amount: 121001"))
    eyes = page_as(Role.BUREAU_OPERATOR, width=width)
    page = eyes.open("/console/programme")
    page.focus("main a.btn-primary")
    page.keyboard.press("Enter")
    for file, seen in ((wrong, "text=文件有误"), (SAMPLE, "text=文件没有错误")):
        page.wait_for_selector("input[type=file]")
        page.set_input_files("input[type=file]", file)
        page.focus("main form button")
        page.keyboard.press("Enter")
        page.wait_for_selector(seen)
        eyes.look()
    page.focus("[data-dialog=load]")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog#load[open]")
    eyes.look()
    page.focus("dialog#load button")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=已载入：资金 2 项")
    eyes.look()
    assert programmes.current() is not None


@pytest.mark.parametrize("width", [DESK, PHONE], ids=["desk", "phone"])
def test_differences_to_a_loaded_programme_are_legible(
    city: City, page_as: PageAs, tmp_path: Path, width: int
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text(
        SAMPLE.read_text()
        .replace("face: 10, count: 2500", "face: 10, count: 2000")
        .replace("amount: 121000", "amount: 116000")
    )
    eyes = page_as(Role.BUREAU_OPERATOR, width=width)
    page = eyes.open("/console/programme/file")
    page.set_input_files("input[type=file]", other)
    page.click("main form button")
    page.wait_for_selector("text=不能载入")
    eyes.look()
    assert "满 50.00 减 10.00，2,000 份" in page.inner_text("main")
