"""The README's curl lines do what the README says, pasted into a shell as they are."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from backend.devstack.paths import PROJECT_ROOT
from tests.e2e.conftest import DevStack, Start, environment

AFTER_OPENING = "2023-04-28T10:00:30+08:00"
PRINTED = "http://127.0.0.1:8000", "http://127.0.0.1:8001"


def journey() -> str:
    """Return all lines of shell below the journey's heading, in their order."""
    text = (PROJECT_ROOT / "README.md").read_text(encoding="utf-8")
    below = text.partition("## The journey with curl\n")[2].partition("\n## ")[0]
    return "".join(re.findall(r"^```sh\n(.*?)^```$", below, re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="module")
def stack(start: Start, tmp_path_factory: pytest.TempPathFactory) -> DevStack:
    state = tmp_path_factory.mktemp("readme") / "state"
    return start(state, "--no-journey", clock_start=AFTER_OPENING)


@pytest.mark.parametrize("time", ["the first time", "pasted once more"])
def test_the_journey_ends_with_a_redemption_and_every_fen_accounted_for(
    stack: DevStack, time: str
) -> None:
    found = re.search(r"微信替身 +(http://127\.0\.0\.1:\d+)/", stack.output)
    assert found, stack.output
    lines = journey()
    for printed, address in zip(PRINTED, (stack.web_url, found[1]), strict=True):
        assert printed in lines
        lines = lines.replace(printed, address)
    told = paste(lines, stack.state)
    bound, claimed, wallet, code, order, redemptions, *ledger = told.splitlines()
    assert bound.endswith("已绑定尾号 0018 的卡")
    claim = json.loads(claimed)
    assert (claim["threshold_fen"], claim["face_value_fen"]) == (10_000, 3_000)
    assert [v["voucher_id"] for v in json.loads(wallet)["vouchers"]] == [claim["voucher_id"]]
    assert re.fullmatch(r"88\d{18}", code)
    paid = json.loads(order)
    assert (paid["status"], paid["discount_fen"], paid["payable_fen"]) == ("redeemed", 3_000, 9_800)
    newest = json.loads(redemptions)["redemptions"][0]
    assert (newest["redemption_id"], newest["voucher_id"]) == (
        paid["order_id"],
        claim["voucher_id"],
    )
    assert ledger[-1].endswith("0 differences: every fen accounted for")


def paste(lines: str, state: Path) -> str:
    """Run the lines in a shell that stops at the first failure; return what they printed."""
    done = subprocess.run(
        ["sh", "-eu"],
        input=lines,
        cwd=PROJECT_ROOT,
        env=environment(state),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
