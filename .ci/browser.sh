#!/bin/sh
# Makes sure that the browser tests find a Chromium and a font for Chinese, or says what is missing.
#
# As root: Debian's packages. Otherwise what is there, or the build that Playwright downloads.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }
has_chromium() { command -v chromium >/dev/null; }
has_font() { command -v fc-list >/dev/null && [ -n "$(fc-list :lang=zh-cn)" ]; }
starts() {
    .venv/bin/python - 2>/dev/null <<'PYTHON'
from playwright.sync_api import sync_playwright

with sync_playwright() as playwright:
    playwright.chromium.launch().close()
PYTHON
}

if ! { has_chromium && has_font; } && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    say "安装浏览器测试需要的 chromium 与中文字体"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        chromium fonts-noto-cjk fontconfig >/dev/null
fi
has_chromium && exit 0
starts && exit 0
say "下载 Playwright 自带的 Chromium"
.venv/bin/python -m playwright install chromium >&2 || true
starts && exit 0
say "浏览器测试需要 Chromium：以 root 执行 apt-get install chromium fonts-noto-cjk 后重试"
exit 1
