"""A person with a keyboard alone: Tab from stop to stop, Enter, Escape."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page

WALK = Path(__file__).with_name("walk.js").read_text(encoding="utf-8")
FOCUSED = """(({innerText, ariaLabel, name, id}) => [innerText, ariaLabel, name, id])
  (document.activeElement)"""


def tab_through(page: Page) -> list[str]:
    """Skip the menu by its link, go through `main` by Tab; return what is wrong on the way."""
    page.evaluate(WALK)
    page.keyboard.press("Tab")
    if page.locator(".skip").count():
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
    for _ in range(page.evaluate("walk.presses")):
        if page.evaluate("walk.isOver()"):
            break
        page.keyboard.press("Tab")
    found: list[str] = page.evaluate("walk.faults()")
    page.evaluate("document.activeElement.blur()")
    return found


def tab_to(page: Page, wanted: str, *, at_most: int = 120) -> None:
    """Press Tab until what has this text, label or name has the focus."""
    for _ in range(at_most):
        page.keyboard.press("Tab")
        if wanted in [text.strip() for text in page.evaluate(FOCUSED) if text]:
            return
    raise AssertionError(f"{wanted!r} is not reached on {page.url}")


def open_and_leave(page: Page, name: str, look: Callable[[str], list[str]]) -> list[str]:
    """Open a dialog by Enter, look at it, leave it by Escape; return what is wrong."""
    opener = page.locator(f"[data-dialog='{name}']").first
    opener.focus()
    page.keyboard.press("Enter")
    within = "document.querySelector('dialog[open]')?.contains(document.activeElement) ?? false"
    faults = look("dialog[open]") if page.evaluate(within) else ["the focus is not in it"]
    page.keyboard.press("Escape")
    if page.locator("dialog[open]").count():
        faults.append("Escape does not close it")
    elif not opener.evaluate("opener => document.activeElement === opener"):
        faults.append("the focus does not come back")
    return [f"dialog {name}: {fault}" for fault in faults]
