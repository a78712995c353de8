"""The bank guide's first hour, pasted into a shell as it is, with what `make run` prints."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from backend.devstack.paths import PROJECT_ROOT
from tests.e2e.conftest import DevStack, Start, run_briefly
from tests.e2e.test_readme_journey import AFTER_OPENING, paste

GUIDE = PROJECT_ROOT / "docs/bank-integration.md"
CLIENT = "docs/bank/huiquan_bank_client.py"


@pytest.fixture(scope="module")
def stack(start: Start, tmp_path_factory: pytest.TempPathFactory) -> DevStack:
    state = tmp_path_factory.mktemp("guide") / "state"
    return start(state, "--no-journey", clock_start=AFTER_OPENING)


def first_hour(stack: DevStack) -> str:
    """Return the printed export lines and the guide's commands below its first heading."""
    below = GUIDE.read_text().partition("## The first hour\n")[2].partition("\n## ")[0]
    exports = re.findall(r"^ +export .*\n", stack.output, re.MULTILINE)
    assert len(exports) == 2
    return "".join((*exports, *re.findall(r"^```sh\n(.*?)^```$", below, re.MULTILINE | re.DOTALL)))


def answers(told: str) -> list[dict[str, Any]]:
    """Return each JSON that was printed, in its order."""
    found, decoder = [], json.JSONDecoder()
    while (start := told.find("{")) >= 0:
        answer, end = decoder.raw_decode(told[start:])
        found.append(answer)
        told = told[start + end :]
    return found


@pytest.mark.parametrize("time", ["the first time", "pasted once more"])
def test_a_banks_engineer_gets_from_the_key_to_a_file_word_by_word(
    stack: DevStack, tmp_path: Path, time: str
) -> None:
    (tmp_path / CLIENT).parent.mkdir(parents=True)
    shutil.copy(PROJECT_ROOT / CLIENT, tmp_path / CLIENT)
    told = paste(f"cd {tmp_path}\n{first_hour(stack)}", stack.state)
    assert "a wrong key is refused: ok" in told
    merchants, quote, paid, again, undone, second, back, bound, unbound, proposed, file = answers(
        told
    )
    assert "TJ0009" in {one["merchant_id"] for one in merchants["merchants"]}
    assert quote["discount_fen"] == 4_000
    assert (paid, paid["status"], paid["payable_fen"]) == (again, "redeemed", 26_000)
    assert undone["status"] == "reversed"
    assert second["discount_fen"] == 4_000
    assert (back["customer_fen"], back["subsidy_fen"]) == (6_500, 1_000)
    assert bound["last4"] == unbound["last4"] == "0048"
    assert (proposed["taken"], proposed["refused"]) == (1, 0)
    assert (file["lines"], os.listdir(tmp_path).count("BANK01_20230427.csv")) == (0, 1)
    checked = run_briefly(stack.state, "flask", "ledger", "check")
    assert "0 differences" in checked.stdout, checked.stdout + checked.stderr
