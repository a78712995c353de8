#!/bin/sh
# Makes sure that the test of deploy/nginx.conf finds Debian's nginx, or says what is missing.
set -eu
has_nginx() { command -v nginx >/dev/null || [ -x /usr/sbin/nginx ]; }

has_nginx && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    printf '%s\n' "安装测试需要的 nginx" >&2
    apt-get update -qq
    # RUNLEVEL=1: its service is not started; the test has ports and settings of its own.
    DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install -y -qq --no-install-recommends nginx-light >/dev/null
fi
has_nginx && exit 0
printf '%s\n' "测试需要 nginx：以 root 执行 apt-get install nginx-light 后重试" >&2
exit 1
