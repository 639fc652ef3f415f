#!/bin/sh
# SPDX-License-Identifier: MIT
# Install those of the Debian packages named as arguments that are missing; without a word when none is.
set -eu

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "This is not a Debian system: make sure that what these packages hold is installed: $*"
    exit 0
fi

missing=
for package in "$@"; do
    if [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | cut -c1-9)" != installed ]; then
        missing="$missing $package"
    fi
done
[ -n "$missing" ] || exit 0

echo "Installing from Debian:$missing"
as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "Neither root nor sudo: run as root: apt-get install$missing" >&2
        exit 1
    fi
    as_root=sudo
    if [ -n "${CI:-}" ] || [ ! -t 0 ]; then
        as_root='sudo -n'
    else
        echo "sudo may ask for your password."
    fi
fi

# Word splitting is wanted: several packages, and sudo with its option.
install() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
}
$as_root apt-get update -q
install || { sleep 10 && $as_root apt-get update -q && install; }
