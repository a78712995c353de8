"""The page of all parts: what is bad stands first, with what to do; every job has words."""

from io import BytesIO

import pytest
from python_calamine import CalamineWorkbook

from backend.domain.staff import Role
from backend.edge.console import job_words
from backend.services import job_runs
from backend.workers import jobs
from tests.console import Console
from tests.factories import City


def test_every_job_has_words_and_no_words_are_left_over() -> None:
    assert {jobs.job_name(job) for job, _ in jobs.JOBS} == job_words.NAMES.keys()


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.AUDITOR, Role.BUREAU_APPROVER])
def test_what_is_bad_is_told_with_what_to_do(console: Console, city: City, role: Role) -> None:
    page = console.desk(role).get("/console/system").text
    assert "项需要处理" in page
    assert "请运维启动这个进程" in page
    assert page.index("需处理") < page.index("正常")


def test_a_jobs_run_is_shown_and_taken_away_as_excel(console: Console, city: City) -> None:
    def broken() -> object:
        raise OSError("no disk")

    broken.__module__, broken.__name__ = "backend.services.exports", "run_due"
    job_runs.forget()
    jobs.run_job(city.app, broken)
    answer = console.desk(Role.AUDITOR).get("/console/system?format=xlsx")
    book = CalamineWorkbook.from_filelike(BytesIO(answer.data)).get_sheet_by_index(0)
    rows = {row[-1]: row for row in book.to_python()}
    assert rows["exports.run_due"][:2] == ["生成导出文件", "连续失败 1 次：OSError"]
    assert len(rows) == len(jobs.JOBS) + 1
    job_runs.forget()
