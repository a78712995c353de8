#!/bin/sh
# Makes .venv from a lock, or does nothing when it is made from that lock already.
#
#   deploy/venv.sh requirements.txt | backend/devstack/requirements.txt | tests/requirements.txt
#
# Each lock holds all of the one before it. PYTHON names an interpreter; by default the first of
# python3, python3.14 … python3.11 that is new enough.
set -eu
cd "$(dirname "$0")/.."
lock=$1
venv=.venv

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

find_python() {
    for name in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if command -v "$name" >/dev/null && new_enough "$name"; then
            command -v "$name"
            return
        fi
    done
}

install_packages() {
    say "安装系统软件包：$*"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

can_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

python=$(find_python)
if [ -z "$python" ] && can_install; then
    install_packages python3 python3-venv
    python=$(find_python)
fi
[ -n "$python" ] || die "需要 Python 3.11 或更高版本：以 root 执行 apt-get install python3 python3-venv 后重试"

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    can_install || die "缺少 venv 模块：以 root 执行 apt-get install $package 后重试"
    install_packages "$package"
fi

# What is installed: the interpreter and every lock that it satisfies, by content.
fingerprint() { printf '%s ' "$("$python" -c 'import sys; print(sys.version)')" | cat - "$1" | sha256sum | cut -c1-64; }
stamp() { printf '%s/.lock-%s' "$venv" "$(printf '%s' "$1" | tr / _)"; }
fresh() { [ -f "$(stamp "$1")" ] && [ "$(cat "$(stamp "$1")")" = "$(fingerprint "$1")" ]; }

if fresh "$lock" && "$venv/bin/python" -c '' 2>/dev/null; then
    exit 0
fi
if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    say "创建 $venv（$("$python" --version)）"
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi
say "按 $lock 安装依赖，首次需要一两分钟"
rm -f "$venv"/.lock-*
touch "$venv/.unfinished" # a pipe tells the exit status of its last command only
{
    "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --require-hashes \
        --progress-bar off -r "$lock" && rm "$venv/.unfinished"
} | sed -n 's/^Collecting /  /p' >&2
[ ! -e "$venv/.unfinished" ] || die "依赖没有装好：请检查网络与上面的提示后重试"
for satisfied in requirements.txt backend/devstack/requirements.txt tests/requirements.txt; do
    fingerprint "$satisfied" >"$(stamp "$satisfied")"
    [ "$satisfied" = "$lock" ] && break
done
