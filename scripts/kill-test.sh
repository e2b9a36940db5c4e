#!/bin/bash
# Kills a run that saves after every step with SIGKILL at random instants, and looks each time whether
# it goes on: scripts/kill-test.sh [KILLS]   (default: 50)
#
# Every restart must find a checkpoint, refuse none and go on from it: a kill leaves the old state or
# the new one, never half of it. At the end the same must hold for the archive and the rows.
set -euo pipefail
cd "$(dirname "$0")/.."

kills=${1:-50}
fst=${FST:-.build/release/fst}
work=$(mktemp -d)
run=
finish() {
  if [ -n "$run" ]; then kill -9 "$run" 2>/dev/null || true; fi
  rm -rf "$work"
}
trap finish EXIT

# Two classes of ten images each: a step is as short as a save is long.
for class in bright dark; do
  for split in train test; do mkdir -p "$work/data/$split/$class"; done
  shade=200
  if [ "$class" = dark ]; then shade=40; fi
  for image in $(seq 10); do
    for split in train test; do
      { echo "P3 32 32 255"; seq 3072 | awk -v s=$shade -v i="$image" '{print (s + $1 * i) % 256}'; } \
        > "$work/data/$split/$class/$image.ppm"
    done
  done
done

start() {
  "$fst" attack badnet --dataset image_folder --dataset_path "$work/data" --record "$work/record" \
    --width 16 --batch_size 10 --threads 1 --epochs 1000000 --checkpoint_steps 1 --resume auto \
    > "$work/out" 2> "$work/log" &
  run=$!
}

# Waits until the run has said where it goes on.
wait_for_resumption() {
  for _ in $(seq 600); do
    if grep -q "$1" "$work/log"; then return 0; fi
    if ! kill -0 "$run" 2>/dev/null; then return 1; fi
    sleep 0.05
  done
  return 1
}

good=0
during_save=0
start
wait_for_resumption "no checkpoint, starting anew" || { cat "$work/log"; exit 1; }
for _ in $(seq "$kills"); do
  sleep "0.$(printf '%03d' $((RANDOM % 700 + 50)))"
  kill -9 "$run"
  wait "$run" 2>/dev/null || true
  if find "$work/record" -name '.*.tmp' | grep -q .; then during_save=$((during_save + 1)); fi
  start
  if wait_for_resumption "going on after epoch" && ! grep -Eq "damaged|not a|earlier" "$work/log"; then
    good=$((good + 1))
  else
    cat "$work/log"
  fi
done

# Ended in good order, the run must have left an archive and a frame that can be read.
kill -TERM "$run"
status=0
wait "$run" || status=$?
run=
archive=$(find "$work/record" -name attack_result.pt)
"$fst" inspect "$archive" > /dev/null
echo "$good of $kills restarts went on from a checkpoint; $during_save kills met a file being written;"
echo "stopped at last with status $status; $(wc -l < "$(dirname "$archive")/attack_df.csv") lines in attack_df.csv"
[ "$good" -eq "$kills" ] && [ "$status" -eq 75 ]
