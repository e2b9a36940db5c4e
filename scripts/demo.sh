#!/bin/bash
# The whole path on images made from a seed: attack, purify, and one table of what came of it.
set -euo pipefail
cd "$(dirname "$0")/.."

width=16
attack_epochs=10
tune_epochs=10
attack_lr=0.1
alpha=0.2
pratio=0.1
split_ratio=0.2  # 1,000 images, as many as 2 % of CIFAR-10
threads=$(nproc)
record=record/demo
fst=${FST:-.build/release/fst}

rm -rf "$record"
mkdir -p "$record"
started=$SECONDS
data=(--dataset synthetic --width "$width" --threads "$threads" --record "$record" --random_seed 0)

# One command, named as it is typed; its progress goes to the terminal, its last output line to `result`.
run() {
  echo
  echo "\$ fst $*"
  result=$("$fst" "$@" --json | tail -n 1)
}

# The number at KEY, directly in the JSON object `result` or in its object named OBJECT; - where it is
# null or absent. As a percentage with two decimals.
percent() {
  local key=$1 object=${2:-}
  local at='^{'
  [ -n "$object" ] && at=".*\"$object\" *: *{"
  printf '%s\n' "$result" |
    sed -n "s/$at[^{}]*\"$key\" *: *\([-+.0-9eE][-+.0-9eE]*\).*/\1/p" |
    awk '{ printf "%.2f", 100 * $1; found = 1 } END { if (!found) printf "-" }'
}

folder() { printf '%s\n' "$result" | sed -nE 's/.*"folder" *: *"([^"]*)".*/\1/p'; }

# The two rates of `result`, or of its object named so.
rates() { echo "$(percent clean_accuracy "${1:-}") $(percent attack_success_rate "${1:-}")"; }

training=(--epochs "$attack_epochs" --lr "$attack_lr" --lr_scheduler OneCycleLR)

run attack badnet "${data[@]}" "${training[@]}" --pratio 0
clean=$(percent clean_accuracy)

rows=()
archives=()
for attack in badnet blended; do
  run attack "$attack" "${data[@]}" "${training[@]}" --pratio "$pratio"
  row="$attack $(rates)"
  home=$(folder)
  archives+=("$home/attack_result.pt")
  for mode in ft fst; do
    run tune --attack "$attack" "${data[@]}" --epochs "$tune_epochs" --pratio "$pratio" \
      --split_ratio "$split_ratio" --ft_mode "$mode" --alpha "$alpha" --save
    row="$row $(rates after)"
    archives+=("$home/defense/$mode/defense_result.pt")
  done
  rows+=("$row")
done

cat << TABLE

Percent of the test images ($((SECONDS - started)) s in all).
C-ACC: clean images classified rightly. ASR: triggered images classified as the attacker wants.

            no defence       after ft         after fst
attack      C-ACC    ASR     C-ACC    ASR     C-ACC    ASR
TABLE
printf '%-10s %6s %6s    %6s %6s    %6s %6s\n' none "$clean" - - - - -
for row in "${rows[@]}"; do
  read -r -a cells <<< "$row"
  printf '%-10s %6s %6s    %6s %6s    %6s %6s\n' "${cells[@]}"
done
home=${archives[0]%/attack_result.pt}
echo
echo "What the last layer sees of it, as a picture:"
echo "  $fst tsne $home/attack_result.pt $home/defense/ft/defense_result.pt \\"
echo "    $home/defense/fst/defense_result.pt --out demo.svg"
echo
"$fst" report "$home" > /dev/null
echo "The page about badnet and what became of it, for a browser:"
echo "  $home/report.html"
echo
echo "The archives; $fst inspect FILE shows what is in one:"
printf '  %s\n' "${archives[@]}"
