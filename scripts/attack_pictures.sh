#!/bin/bash
# docs/pictures: each attack's trigger on generated images. Takes some ten minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

out=${1:-docs/pictures}
record=record/pictures
fst=${FST:-.build/release/fst}
run=(--dataset synthetic --width 8 --batch_size 64 --random_seed 0 --record "$record" --no_report)

mkdir -p "$out"
draw() { "$fst" trigger "$@" --out "$out/$1.png"; }

for attack in badnet blended sig wanet bpp blind; do draw "$attack" --dataset synthetic; done

# The others' triggers are learned, so a short run comes first.
learn() {
  local attack=$1
  shift
  local folder
  folder=$("$fst" attack "$attack" "${run[@]}" "$@" --json | tail -n 1 |
    sed -nE 's/.*"folder" *: *"([^"]*)".*/\1/p')
  draw "$attack" --result "$folder"
}
learn trojannn --pratio 0.1 --epochs 3
learn lf --pratio 0.1 --epochs 3
learn lc --pratio 0.05 --epochs 3 --lc_robust_epochs 3
learn ssba --pratio 0.1 --epochs 1
learn inputaware --pratio 0.1 --epochs 4 --clean_train_epochs 2
learn lira --epochs 3 --both_train_epochs 2
