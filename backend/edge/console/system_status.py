"""Whether all is well (系统状况): every part with what to do, every job with its last run."""

from flask import Response

from backend.domain.permissions import Permission
from backend.edge.console import job_words
from backend.edge.console.access import ConsoleBlueprint, permitted
from backend.edge.console.cells import Badge, Cell
from backend.edge.console.tables import Column, Filter, Table
from backend.services import system_status
from backend.services.listings import Computed
from backend.services.system_status import JobState
from backend.workers import jobs

blueprint = ConsoleBlueprint("system_status", __name__)


def _schedule() -> dict[str, float]:
    return {jobs.job_name(job): every_s for job, every_s in jobs.JOBS}


def _outcome(state: JobState) -> Cell:
    if state.run is None:
        return Badge("未曾运行", "bad")
    if state.run.error:
        return Badge(f"连续失败 {state.run.failures} 次：{state.run.error}", "bad")
    return Badge("没有按时运行", "bad") if state.is_late else Badge("正常", "good")


TABLE: Table[JobState] = Table(
    name="jobs",
    title="定时任务",
    permission=Permission.HEALTH_READ,
    filter=Filter,
    find=lambda _: Computed(system_status.jobs(_schedule())),
    columns=(
        Column("任务", lambda state: job_words.NAMES[state.job], width=30),
        Column("结果", _outcome, width=30),
        Column("上次开始", lambda state: state.run.started_at if state.run else None),
        Column("用时（毫秒）", lambda state: state.run.length_ms if state.run else None),
        Column("处理数", lambda state: state.run.handled if state.run else None),
        Column("上次成功", lambda state: state.run.succeeded_at if state.run else None),
        Column("下次应在", lambda state: state.next_at),
        Column("名称", lambda state: state.job, width=30),
    ),
)


@blueprint.get("/system")
@permitted(TABLE.permission)
def page() -> Response | str:
    """Show every part as it is now, and every job."""
    lights = system_status.lights(_schedule())
    return TABLE.answer(
        "console/system_status.html",
        lights=sorted(lights, key=lambda light: not light.is_bad),
        bad=sum(light.is_bad for light in lights),
    )
