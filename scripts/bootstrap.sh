#!/usr/bin/env bash
# Makes .venv and all that has to stand around it, on a Debian that has nothing but python3 and make.
#
#   scripts/bootstrap.sh run    what a running service needs: requirements.txt, and libarchive, which it can do without
#   scripts/bootstrap.sh dev    also requirements-dev.txt, and the servers and clients that the tests start:
#                               scripts/debian-test-packages.txt
#
# When nothing changed since the last call it does nothing, in a few milliseconds. As root it installs missing Debian
# packages; as anybody else it says in one sentence which command installs them, and exits 1. Where packages come
# from is the machine's business (apt's sources, pip's configuration): no address stands here.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly UV_VERSION=0.13.9
readonly STAMPS=.venv/.installed
readonly PACKAGE_LIST=scripts/debian-test-packages.txt
readonly DAEMON_POLICY=/usr/sbin/policy-rc.d
readonly PYTHON=${PYTHON:-python3}

say() { printf '%s\n' "$*"; }
die() { printf '%s\n' "$*" >&2; exit 1; }

scratch=$(mktemp -d)
our_policy=
trap 'rm -rf "$scratch" $our_policy' EXIT

# A package's own scripts must not start its daemon: the tests start private ones, on free ports.
# A policy that the machine's owner made stays as it is.
forbid_daemons() {
    [ ! -e "$DAEMON_POLICY" ] || return 0
    our_policy=$DAEMON_POLICY
    printf '#!/bin/sh\nexit 101\n' >"$DAEMON_POLICY"
    chmod 755 "$DAEMON_POLICY"
}

try_apt_install() {
    local log=$scratch/apt.log options=(-y -qq --no-install-recommends -o DPkg::Lock::Timeout=300)
    say "Installing Debian packages: $*"
    forbid_daemons
    export DEBIAN_FRONTEND=noninteractive
    # The second try is for a machine whose package lists are old, or were never fetched.
    apt-get install "${options[@]}" "$@" >"$log" 2>&1 </dev/null ||
        { apt-get update -qq && apt-get install "${options[@]}" "$@"; } >>"$log" 2>&1 </dev/null ||
        { tail -n 20 "$log" >&2; say "apt-get could not install: $*"; return 1; }
}

apt_install() {
    if [ "$(id -u)" != 0 ]; then
        die "Some Debian packages are missing; install them with: sudo apt-get install $*"
    fi
    try_apt_install "$@" || exit 1
}

check_python() {
    command -v "$PYTHON" >/dev/null || die "Python 3.11 or newer is needed; install it with: sudo apt-get install python3"
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        die "Python 3.11 or newer is needed, and $PYTHON is $("$PYTHON" -V); name a newer one with PYTHON=..."
    "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt_install python3-venv
    else
        die "Python's venv module is missing; install it with: sudo apt-get install python3-venv"
    fi
}

# A virtual environment dies when the system's Python is replaced, or when its folder is moved (its scripts name it).
make_venv() {
    grep -qsF "$(pwd -P)/.venv/bin/python" .venv/bin/pip && .venv/bin/python -c 'import pip' 2>/dev/null && return
    check_python
    say "Making .venv"
    rm -rf .venv
    "$PYTHON" -m venv .venv
}

# uv is several times faster than pip but knows nothing of pip's configuration: a machine that tells pip to use
# an index of its own is taken at its word, and whatever uv cannot do is left to pip.
install_requirements() {
    local pip=(.venv/bin/python -m pip --disable-pip-version-check) log=$scratch/uv.log
    say "Installing Python packages from $1"
    if ! "${pip[@]}" config list | grep -qE '\.(index-url|no-index)=' &&
        "${pip[@]}" install -q "uv==$UV_VERSION" >"$log" 2>&1 &&
        UV_HTTP_TIMEOUT=20 UV_NO_PROGRESS=1 .venv/bin/uv pip install -q --python .venv/bin/python -r "$1" >"$log" 2>&1
    then
        return
    fi
    "${pip[@]}" install -q -r "$1"
}

# What an installation depends on: the pins, the interpreter, and the place.
fingerprint() {
    { cat "$@"; .venv/bin/python -V; pwd -P; } 2>&1 | sha256sum | cut -d ' ' -f 1
}

# python_packages LEVEL FILE...: install the last FILE, which includes those before it.
python_packages() {
    local level=$1 files=("${@:2}")
    if [ -x .venv/bin/python ] && [ "$(cat "$STAMPS-$level" 2>/dev/null)" = "$(fingerprint "${files[@]}")" ]; then
        return
    fi
    make_venv
    install_requirements "${files[-1]}"
    fingerprint "${files[@]}" >"$STAMPS-$level"
}

debian_packages() {
    local wanted missing
    wanted=$(sed 's/#.*//' "$PACKAGE_LIST" | xargs)
    if ! command -v dpkg-query >/dev/null; then
        say "This is no Debian: the tests need what Debian calls: $wanted"
        return
    fi
    # shellcheck disable=SC2016,SC2086  # ${...} is dpkg-query's own; the names are words
    missing=$(comm -13 \
        <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $wanted 2>/dev/null | sed -n 's/^installed //p' | sort -u) \
        <(printf '%s\n' $wanted | sort -u) | xargs)
    # shellcheck disable=SC2086
    [ -z "$missing" ] || apt_install $missing
}

# What unpacks rar and the like (docs/attachments.md). A service runs without it, so this is tried once, and hinders nobody.
libarchive() {
    local tried=$STAMPS-libarchive
    [ ! -e "$tried" ] || return 0
    touch "$tried"
    ! "$PYTHON" -c 'import ctypes; ctypes.CDLL("libarchive.so.13")' 2>/dev/null || return 0
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        try_apt_install libarchive13 || say "Going on without it: packed rar archives will not be opened."
    else
        say "To have packed rar archives opened, install libarchive, on Debian with: sudo apt-get install libarchive13"
    fi
}

# `mailhost`, beside the programs of the packages.
command_line() {
    [ -L .venv/bin/mailhost ] || ln -sf ../../scripts/mailhost .venv/bin/mailhost
}

# One bootstrap at a time in one folder: `make run` and `make test` may be started side by side.
exec 9<.
flock 9

case ${1:-} in
run)
    python_packages run constraints.txt requirements.txt
    command_line
    libarchive
    ;;
dev)
    debian_packages
    python_packages run constraints.txt requirements.txt
    python_packages dev constraints.txt requirements.txt requirements-dev.txt
    command_line
    ;;
*)
    die "usage: scripts/bootstrap.sh run|dev"
    ;;
esac
