#!/bin/bash
# The whole path on images made from a seed: attack, purify, test by retuning, and one table of it.
set -euo pipefail
cd "$(dirname "$0")/.."

width=16
attack_epochs=6
tune_epochs=6
attack_lr=0.05
# Many steps from few images.
attack_batch=32
tune_batch=64
alpha=0.2
pratio=0.1
split_ratio=0.2  # 1,000 images, as many as 2 % of CIFAR-10
# All attacks at once share the processors: so thin a model keeps one thread busy, hardly two.
attacks=(badnet blended wanet)
threads=$(($(nproc) / ${#attacks[@]}))
[ "$threads" -gt 0 ] || threads=1
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

# The attack success rate after ra of what a defence has left in `result`; - where the backdoor is
# awake anyway.
woken() {
  if [ "$(percent attack_success_rate after | cut -d. -f1)" -ge 50 ]; then
    echo -
  else
    run defend ra "${subject[@]}" --defense_type "$1" --split_ratio "$split_ratio" >&2
    percent attack_success_rate after
  fi
}

training=(
  --epochs "$attack_epochs" --lr "$attack_lr" --batch_size "$attack_batch"
  --lr_scheduler OneCycleLR)

# Trains `attack`, purifies what it left and leaves a row of the table in a file beside the runs.
attack_and_purify() {
  local own=()
  # A few epochs of so few images want a wider warp than the attack's own.
  [ "$attack" = wanet ] && own=(--s 4 --cross_ratio 1)
  run attack "$attack" "${data[@]}" "${training[@]}" --pratio "$pratio" "${own[@]}"
  local row
  row="$attack $(rates)"
  subject=(--result "$(folder)" --dataset synthetic --threads "$threads" --random_seed 0)
  for defence in ft fst clp; do
    case $defence in
      clp) run defend clp "${subject[@]}" --save ;;
      *) run tune "${subject[@]}" --epochs "$tune_epochs" --batch_size "$tune_batch" \
        --split_ratio "$split_ratio" --ft_mode "$defence" --alpha "$alpha" --save ;;
    esac
    row="$row $(rates after)"
    row="$row $(woken "$defence")"
  done
  echo "$row" > "$record/$attack.row"
}

# Each attack is a process group, so that none of its programs outlives this script.
set -m
groups=()
for attack in "${attacks[@]}"; do
  attack_and_purify 2>&1 | sed -u "s/^/$attack: /" &
  groups+=("$(jobs -p %+)")
done
trap 'kill -- "${groups[@]/#/-}" 2> /dev/null' EXIT
for job in "${!groups[@]}"; do wait "%$((job + 1))"; done
trap - EXIT

rows=()
homes=()
archives=()
for attack in "${attacks[@]}"; do
  rows+=("$(cat "$record/$attack.row")")
  home=$record/synthetic/$attack/pratio_$pratio-target_0-archi_resnet18
  homes+=("$home")
  archives+=("$home/attack_result.pt" "$home"/defense/{ft,fst,clp}/defense_result.pt)
done

cat << TABLE

Percent of the test images ($((SECONDS - started)) s in all).
C-ACC: clean images classified rightly. ASR: triggered images classified as the attacker wants.
ra: the ASR once a model with an ASR below 50 was tuned again with five triggered images, which wakes
what only sleeps.

           no defence      after ft              after fst             after clp
attack     C-ACC    ASR    C-ACC    ASR     ra   C-ACC    ASR     ra   C-ACC    ASR     ra
TABLE
line='%-8s  %6s %6s   %6s %6s %6s   %6s %6s %6s   %6s %6s %6s\n'
for row in "${rows[@]}"; do
  read -r -a cells <<< "$row"
  printf "$line" "${cells[@]}"
done
home=${archives[0]%/attack_result.pt}
echo
echo "What the last layer sees of it, as a picture:"
echo "  $fst tsne $home/attack_result.pt $home/defense/ft/defense_result.pt \\"
echo "    $home/defense/fst/defense_result.pt --out demo.svg"
echo
"$fst" report "${homes[@]}" --out "$record/report.html" > /dev/null
echo "The page about all of it, for a browser:"
echo "  $record/report.html"
echo
echo "The archives; $fst inspect FILE shows what is in one:"
printf '  %s\n' "${archives[@]}"
