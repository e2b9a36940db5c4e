#!/bin/bash
# Installs the system packages that fst is built with, those that are missing and no others.
# Where nothing is missing it changes nothing and needs no network.
set -euo pipefail

if ! command -v swift > /dev/null; then
  echo "setup: there is no 'swift' in PATH; install Swift 6.1 or later from https://www.swift.org/install" >&2
  exit 1
fi

# Each package is asked for by what the build takes from it, so another way of installing it counts too.
missing=()
need() {
  local package=$1
  shift
  "$@" > /dev/null 2>&1 || missing+=("$package")
}

# What the build goes on without: pictures of that format are then refused.
wanted=()
want() {
  local package=$1
  shift
  "$@" > /dev/null 2>&1 || wanted+=("$package")
}

need pkg-config command -v pkg-config
need python3 command -v python3
need openmpi-bin command -v mpirun
need libopenmpi-dev pkg-config --exists ompi-c
need libopenblas-dev pkg-config --exists openblas
need libpng-dev pkg-config --exists libpng
need libjpeg-dev pkg-config --exists libjpeg
need libcairo2-dev pkg-config --exists cairo
need zlib1g-dev pkg-config --exists zlib
want libwebp-dev pkg-config --exists libwebpdemux
want libtiff-dev pkg-config --exists libtiff-4

go_on_without() {
  echo "setup: going on without ${wanted[*]}: pictures of that format will be refused"
  exit 0
}

if [ ${#missing[@]} -eq 0 ] && [ ${#wanted[@]} -eq 0 ]; then
  echo "setup: nothing to install"
  exit 0
fi

if ! command -v apt-get > /dev/null; then
  [ ${#missing[@]} -gt 0 ] || go_on_without
  echo "setup: missing: ${missing[*]} (Debian's names); there is no apt-get here, please install them" >&2
  exit 1
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo > /dev/null; then
    [ ${#missing[@]} -gt 0 ] || go_on_without
    echo "setup: missing: ${missing[*]}; as root: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

install() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install --yes --quiet --no-install-recommends "$@"
}

echo "setup: installing with apt: ${missing[*]} ${wanted[*]}"
if [ ${#missing[@]} -eq 0 ]; then
  "${as_root[@]}" apt-get update --quiet && install "${wanted[@]}" || go_on_without
else
  "${as_root[@]}" apt-get update --quiet
  install "${missing[@]}"
  [ ${#wanted[@]} -eq 0 ] || install "${wanted[@]}" || go_on_without
fi
echo "setup: done"
