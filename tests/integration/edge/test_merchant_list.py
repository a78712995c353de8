"""The published merchant list, for people and for programs."""

import csv
import io

import pytest
from apiflask import APIFlask

from backend.edge.public import merchant_list
from backend.services import merchant_lists, standings
from backend.storage.models.merchants import Merchant
from backend.storage.sql import transaction
from tests import joining
from tests.factories import RESTAURANT, SUPERMARKET, City

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def second_version(city: City) -> City:
    """Version 2: 家乐购 is off the list, TJ0013 is on it, 赫乡鳇鱼馆 has an evil name."""
    standings.suspend(SUPERMARKET, actor="test", reason="核查")
    joining.passed("TJ0013")
    with transaction() as session:
        session.get_one(Merchant, RESTAURANT).name = SCRIPT
    merchant_lists.publish(actor="test")
    return city


def test_before_the_first_publication_people_get_a_friendly_page_and_programs_404(
    app: APIFlask,
) -> None:
    client = app.test_client()
    page = client.get("/merchants")
    assert (page.status_code, "参与商户名单即将公布" in page.text) == (200, True)
    told = client.get("/api/v1/merchants")
    assert (told.status_code, told.json["error"]["code"]) == (404, "not_found")
    assert client.get("/api/v1/merchants/versions").json == {"versions": []}
    assert client.get("/api/v1/merchants/versions/1").status_code == 404
    assert client.get("/merchants.csv").status_code == 404


def test_the_page_names_the_version_and_every_listed_merchant_but_no_other(city: City) -> None:
    page = city.get("/merchants").text
    assert "第 1 版" in page
    assert "2023年4月28日 10:01" in page
    assert page.count('<th scope="row">') == 12
    assert "示例·待上级行确认超市" not in page


def test_the_list_is_filtered_by_domain_and_by_text_whatever_its_width_and_case(city: City) -> None:
    for query, expected in (
        ({"domain": "FOOD"}, ["TJ0006", "TJ0007"]),
        ({"q": "饺子"}, ["TJ0007"]),
        ({"q": " ｔｊ０００３ "}, ["TJ0003"]),
        ({"domain": "FOOD", "q": "家乐购"}, []),
        ({"domain": "NOSUCH"}, []),
        ({"q": "%"}, []),
    ):
        told = city.get("/api/v1/merchants", **query).json
        assert [m["merchant_id"] for m in told["merchants"]] == expected
        assert told["total"] == len(expected)
        assert city.get("/merchants", **query).text.count('<th scope="row">') == len(expected)


def test_the_list_is_told_by_pages(city: City) -> None:
    first = city.get("/api/v1/merchants", page_size=5).json
    assert (first["total"], first["page"], len(first["merchants"])) == (12, 1, 5)
    assert first["version"]["number"] == 1
    pages = [city.get("/api/v1/merchants", page_size=5, page=n).json for n in (1, 2, 3, 4)]
    told = [m["merchant_id"] for page in pages for m in page["merchants"]]
    assert told == [f"TJ{n:04d}" for n in range(1, 13)]


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        ("page=0", "page=1"),
        ("page=1.0", "page=100000"),
        ("page=100001", "page=2"),
        ("page=-1", "page=3"),
        ("page_size=101", "page_size=100"),
        ("page_size=0", "page_size=1"),
        ("q=a%00b", "q=a%20b"),
        ("q=" + "好" * 51, "q=" + "好" * 50),
        ("q=" + "a" * 10_000, "q="),
        ("domain=food", "domain=FOOD"),
        ("domain=%00", "domain="),
        ("colour=red", "q=red"),
    ],
)
def test_a_query_outside_its_bounds_is_refused_with_a_sentence(
    city: City, bad: str, good: str
) -> None:
    answer = city.client.get(f"/api/v1/merchants?{bad}")
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "invalid_request")
    assert city.client.get(f"/api/v1/merchants?{good}").status_code == 200


@pytest.mark.parametrize("bad", ["q=%00", "q=" + "a" * 10_000, "domain=a%00"])
def test_a_page_refuses_a_bad_query_with_a_page(city: City, bad: str) -> None:
    answer = city.client.get(f"/merchants?{bad}")
    assert (answer.status_code, answer.mimetype) == (400, "text/html")
    assert "请求内容有误，请检查后重试" in answer.text


def test_a_page_ignores_what_an_app_adds_to_its_address(city: City) -> None:
    for path in ("/merchants", "/merchants/versions/1"):
        assert city.client.get(f"{path}?from=singlemessage&isappinstalled=0").status_code == 200


def test_a_name_that_is_markup_stays_text(second_version: City) -> None:
    for path in ("/merchants", "/merchants/versions/2", f"/merchants?q={SCRIPT}"):
        page = second_version.client.get(path).text
        assert "<script" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_version_is_compared_with_any_other(second_version: City) -> None:
    standings.resume(SUPERMARKET, actor="another", reason="查清")
    merchant_lists.publish(actor="test")
    path = "/api/v1/merchants/versions/3"
    assert second_version.get(path).json["difference"]["added"] == [SUPERMARKET]
    told = second_version.get(path, since=1).json["difference"]
    assert told == {"added": ["TJ0013"], "removed": [], "changed": [RESTAURANT]}
    back = second_version.get("/api/v1/merchants/versions/1", since=3).json["difference"]
    assert back["removed"] == ["TJ0013"]
    assert second_version.get(path, since=4).status_code == 404
    for wrong in ("0", "1.0", "2147483648", ""):
        assert second_version.get(path, since=wrong).status_code == 400
    assert second_version.get(path, before=1).status_code == 400


def test_a_version_never_changes_and_tells_what_it_changed(second_version: City) -> None:
    told = second_version.get("/api/v1/merchants/versions/2").json
    assert told["difference"] == {
        "added": ["TJ0013"],
        "removed": [SUPERMARKET],
        "changed": [RESTAURANT],
    }
    assert told["version"]["number"] == 2
    names = {m["merchant_id"]: m["name"] for m in told["merchants"]}
    assert (names[RESTAURANT], SUPERMARKET in names) == (SCRIPT, False)
    before = second_version.get("/api/v1/merchants/versions/1").json
    assert len(before["merchants"]) == 12
    assert before["difference"]["removed"] == []
    listed = second_version.get("/api/v1/merchants/versions").json["versions"]
    assert listed == [told["version"], before["version"]]


def test_the_page_of_a_version_names_what_was_added_removed_and_changed(
    second_version: City,
) -> None:
    page = second_version.get("/merchants/versions/2").text
    for text in ("新增", "示例·待上级行确认超市", "移出", "家乐购", "变更"):
        assert text in page
    assert "首次公布" in second_version.get("/merchants/versions/1").text
    assert "首次公布" not in page


@pytest.mark.parametrize("number", ["0", "3", "2147483647", "2147483648", "9" * 40, "-1", "x"])
def test_a_version_that_was_never_published_is_not_found(city: City, number: str) -> None:
    assert city.get("/api/v1/merchants/versions/1").status_code == 200
    assert city.get(f"/api/v1/merchants/versions/{number}").status_code == 404
    page = city.get(f"/merchants/versions/{number}")
    assert (page.status_code, page.mimetype) == (404, "text/html")


def test_the_csv_file_is_the_list_in_force(second_version: City) -> None:
    answer = second_version.get("/merchants.csv")
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="merchants-v2.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    told = second_version.get("/api/v1/merchants", page_size=100).json["merchants"]
    assert [row["商户编号"] for row in rows] == [m["merchant_id"] for m in told]
    assert {row["名单版本"] for row in rows} == {"2"}


def test_each_version_has_a_file_that_is_kept_and_told_apart_by_its_etag(
    second_version: City,
) -> None:
    first = second_version.get("/merchants/versions/1.csv")
    assert first.data.startswith("\ufeff".encode())
    assert "家乐购" in first.text
    assert "家乐购" not in second_version.get("/merchants/versions/2.csv").text
    assert first.headers["Cache-Control"] == "public, max-age=86400"
    known = {"If-None-Match": first.headers["ETag"]}
    again = second_version.client.get("/merchants/versions/1.csv", headers=known)
    assert (again.status_code, again.data) == (304, b"")
    other = second_version.client.get("/merchants/versions/2.csv", headers=known)
    assert other.status_code == 200
    assert second_version.get("/merchants/versions/3.csv").status_code == 404


def test_a_formula_in_a_name_is_dead_in_every_file(city: City) -> None:
    with transaction() as session:
        session.get_one(Merchant, RESTAURANT).name = "=HYPERLINK(1)"
    merchant_lists.publish(actor="test")
    for path in ("/merchants.csv", "/merchants/versions/2.csv"):
        assert ",'=HYPERLINK(1)," in city.get(path).text


def test_the_page_compares_with_any_other_version(second_version: City) -> None:
    page = second_version.get("/merchants/versions/1", since="2").text
    assert "与第 2 版比较" in page
    assert "首次公布" not in page
    assert "示例·待上级行确认超市" in page
    assert second_version.get("/merchants/versions/1", since="9").status_code == 404


def test_the_list_is_filtered_by_area_and_shown_by_pages(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    areas = [m["area"] for m in city.get("/api/v1/merchants", page_size=100).json["merchants"]]
    assert 0 < areas.count("东北亚广场") < len(areas)
    told = city.get("/api/v1/merchants", area="东北亚广场").json
    assert told["total"] == areas.count("东北亚广场")
    monkeypatch.setattr(merchant_list, "PAGE_SIZE", 5)
    pages = [city.get("/merchants", page=str(n)).text for n in (1, 2, 3)]
    assert [page.count('<th scope="row">') for page in pages] == [5, 5, 2]
    assert "第 2 页，共 3 页" in pages[1]
    assert "page=3" in pages[1]


def test_the_document_names_the_content_type_of_every_public_answer(city: City) -> None:
    document = city.get("/openapi.json").json
    answers = {
        "/": "/",
        "/accessibility": "/accessibility",
        "/c/{campaign_id}": "/c/Q2-MAY",
        "/calendar": "/calendar",
        "/calendar.ics": "/calendar.ics",
        "/merchants": "/merchants",
        "/merchants.csv": "/merchants.csv",
        "/merchants/versions/{number}": "/merchants/versions/1",
        "/merchants/versions/{number}.csv": "/merchants/versions/1.csv",
        "/m/{code}": f"/m/{city.placard[SUPERMARKET].rpartition('/')[2]}",
        "/api/v1/time": "/api/v1/time",
        "/api/v1/campaigns": "/api/v1/campaigns",
        "/api/v1/campaigns/{campaign_id}": "/api/v1/campaigns/Q2-MAY",
        "/api/v1/merchants": "/api/v1/merchants",
        "/api/v1/merchants/versions": "/api/v1/merchants/versions",
        "/api/v1/merchants/versions/{number}": "/api/v1/merchants/versions/1",
    }
    for path, address in answers.items():
        answer = city.get(address)
        operation = document["paths"][path]["get"]
        assert answer.status_code == 200
        assert answer.mimetype in operation["responses"]["200"]["content"], path
        assert operation["summary"] or operation["description"]
