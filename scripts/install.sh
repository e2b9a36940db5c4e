#!/usr/bin/env bash
# Puts the program, its manual page and its completions in place, or takes them away:
#   scripts/install.sh install|uninstall PROGRAM PREFIX
# DESTDIR stands before all paths, for packages.
set -euo pipefail

what=$1 program=$2 root=${DESTDIR:-}$3
places=(
  "$root/bin/fst"
  "$root/share/man/man1/fst.1"
  "$root/share/bash-completion/completions/fst"
  "$root/share/zsh/site-functions/_fst"
  "$root/share/fish/vendor_completions.d/fst.fish"
)

if [ "$what" = uninstall ]; then
  rm -f "${places[@]}"
  exit
fi

made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
"$(dirname "$0")/man.py" "$program" >"$made/1"
for shell in bash zsh fish; do "$program" --generate-completion-script "$shell" >"$made/$shell"; done
install -D -m 755 "$program" "${places[0]}"
index=1
for file in 1 bash zsh fish; do
  install -D -m 644 "$made/$file" "${places[index]}"
  index=$((index + 1))
done
printf '%s\n' "${places[@]}"
