"""Whether all is well (系统状况): each part with what it says and, when it is bad, what to do."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import redis
from flask import current_app

from backend import clock, redis_clients
from backend.extensions import redis_handle
from backend.services import audit_seals, checks, health, job_runs, missing_files, processes
from backend.settings import Settings
from backend.storage.models.health import JobRun

MANY_CLAIMS = 10_000  # that wait for SQL: more than a writer takes in some seconds
FULL_PERCENT = 80  # of Valkey's memory
FREE_PERCENT = 10  # of the disk
SEAL_LATE_S = 120
CHECK_LATE = timedelta(hours=36)
# A job is late after so many of its intervals, and no sooner than this.
LATE_INTERVALS, LATE_AT_LEAST_S = 3, 90
PROCESS_NAMES: Mapping[processes.Kind, str] = {
    "web": "网站",
    "console": "管理后台",
    "claim_writer": "领券写入",
    "jobs": "定时任务",
}
CHECK_NAMES: Mapping[checks.Kind, str] = {"ledger": "账本核对", "audit": "审计链校验"}


@dataclass(frozen=True, kw_only=True)
class Light:
    """One part: what it says, and what to do, which is empty while it is well."""

    title: str
    words: str
    advice: str = ""

    @property
    def is_bad(self) -> bool:
        """Whether somebody must act."""
        return bool(self.advice)


@dataclass(frozen=True, kw_only=True)
class JobState:
    """A job, its last run that was written, and when the next is to come."""

    job: str
    every_s: float
    run: JobRun | None
    is_late: bool

    @property
    def next_at(self) -> datetime | None:
        """When it is to run next; None before its first run."""
        return self.run.started_at + timedelta(seconds=self.every_s) if self.run else None

    @property
    def is_bad(self) -> bool:
        """Whether it fails or does not run."""
        return self.is_late or bool(self.run and self.run.failures)


def jobs(schedule: Mapping[str, float]) -> list[JobState]:
    """Return every job of a schedule (seconds between two runs, by name), bad ones first."""
    runs, now = {run.job: run for run in job_runs.last_runs()}, clock.now()
    found = []
    for job, every_s in schedule.items():
        run = runs.get(job)
        patience_s = max(LATE_INTERVALS * every_s, LATE_AT_LEAST_S)
        is_late = run is None or (now - run.started_at).total_seconds() > patience_s
        found.append(JobState(job=job, every_s=every_s, run=run, is_late=is_late))
    return sorted(found, key=lambda state: (not state.is_bad, state.job))


def lights(schedule: Mapping[str, float]) -> Sequence[Light]:
    """Return every part, asked now; a part that does not answer is bad, and the others are told."""
    return [
        *_readiness(),
        *_processes(),
        *_valkey(),
        _jobs(jobs(schedule)),
        *(_check(kind) for kind in checks.KINDS),
        _seals(),
        _files(),
        _disk(),
    ]


def _readiness() -> Iterator[Light]:
    state = health.readiness()
    yield Light(
        title="数据库、Valkey 与名额",
        words="；".join(state.faults) or "可以服务",
        advice="请把这句话交给运维，按运维手册（docs/operations.md）的 Readiness 一节处理。"
        if state.faults
        else "",
    )
    backlog = state.claims_backlog
    is_bad = backlog is None or backlog > MANY_CLAIMS
    yield Light(
        title="待写入的领券",
        words="无法得知" if backlog is None else f"{backlog:,} 笔",
        advice="请看领券写入进程是否在运行；已领的券不会丢失。" if is_bad else "",
    )


def _processes() -> Iterator[Light]:
    try:
        found = processes.seen()
    except redis.RedisError:
        yield Light(title="进程", words="无法得知", advice="Valkey 没有应答，请先恢复 Valkey。")
        return
    for seen in found:
        last = f"，最近一次 {seen.last_at:%m-%d %H:%M:%S}" if seen.last_at else ""
        yield Light(
            title=f"{PROCESS_NAMES[seen.kind]}进程",
            words=f"{seen.alive} 个在运行{last}",
            advice="" if seen.alive else "请运维启动这个进程，并查看它的日志。",
        )


def _valkey() -> Iterator[Light]:
    try:
        for name, server in redis_clients.primaries(redis_handle.client):
            yield _memory(name, server.info("memory"), server.info("persistence"))
    except redis.RedisError:
        yield Light(
            title="Valkey 内存与落盘",
            words="没有应答",
            advice="领券已停止，用券不受影响；请运维恢复 Valkey。",
        )


def _memory(name: str, memory: Mapping[str, int], persistence: Mapping[str, object]) -> Light:
    used, most = memory["used_memory"], memory.get("maxmemory", 0)
    most = most or memory.get("total_system_memory", 0)
    is_full = bool(most) and used * 100 > most * FULL_PERCENT
    is_kept = bool(persistence.get("aof_enabled")) and (
        persistence.get("aof_last_write_status") == "ok"
    )
    advice = "内存将满，请运维扩容；满后不能领券。" if is_full else ""
    if not is_kept:
        advice = "落盘异常，断电会丢失已领的券；请立即暂停领取并请运维检查磁盘。"
    return Light(
        title=f"Valkey 内存与落盘 {name}".rstrip(),
        words=f"已用 {_size(used)}，上限 {_size(most)}；落盘{'正常' if is_kept else '异常'}",
        advice=advice,
    )


def _jobs(states: Sequence[JobState]) -> Light:
    bad = [state.job for state in states if state.is_bad]
    return Light(
        title="定时任务",
        words=f"{len(states)} 项，{len(bad)} 项异常" if bad else f"{len(states)} 项均按时完成",
        advice="请看下方异常的任务；没有进程时先启动定时任务进程。" if bad else "",
    )


def _check(kind: checks.Kind) -> Light:
    title, found = CHECK_NAMES[kind], checks.last(kind)
    if found is None:
        return Light(title=title, words="还没有核对过", advice="每天自动核对，请看定时任务进程。")
    words = f"{found.at:%Y-%m-%d %H:%M} 核对 {found.looked_at:,} 条"
    if found.faults:
        advice = "请在“账本核对”查看明细，弄清之前暂缓付款。"
        if kind == "audit":
            advice = "审计日志可能被改动，请保全数据库并报告审计部门。"
        return Light(
            title=title,
            words=f"{words}，{found.faults} 处不符：{found.first_fault}",
            advice=advice,
        )
    is_old = clock.now() - found.at > CHECK_LATE
    advice = "已超过一天没有核对，请看定时任务进程。" if is_old else ""
    return Light(title=title, words=f"{words}，全部相符", advice=advice)


def _seals() -> Light:
    sealing = audit_seals.status()
    is_bad = sealing.waiting_s > SEAL_LATE_S
    return Light(
        title="审计日志封存",
        words=f"{sealing.waiting:,} 条待封存，最久 {sealing.waiting_s} 秒",
        advice="封存任务没有运行，请看定时任务进程。" if is_bad else "",
    )


def _files() -> Light:
    missing = missing_files.list_missing()
    oldest = f"，最早 {missing[0].party} {missing[0].day}" if missing else ""
    return Light(
        title="对账文件",
        words=f"缺 {len(missing)} 份{oldest}" if missing else "应到的都已收到",
        advice="请向对方索取，并在“对账文件”上传或等下次自动获取。" if missing else "",
    )


def _disk() -> Light:
    settings: Settings = current_app.extensions["settings"]
    folder = _existing(settings.files_dir)
    usage = shutil.disk_usage(folder)
    is_bad = usage.free * 100 < usage.total * FREE_PERCENT
    return Light(
        title="文件磁盘",
        words=f"剩余 {_size(usage.free)}，共 {_size(usage.total)}",
        advice="磁盘将满，请运维清理或扩容；满后不能导出、收文件和上传凭证。" if is_bad else "",
    )


def _existing(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def _size(count: int) -> str:
    """Return a number of bytes as people read it."""
    return f"{count / 1024**3:.1f} GB" if count >= 1024**3 else f"{count / 1024**2:.0f} MB"
