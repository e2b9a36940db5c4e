#!/bin/sh
# Fuzzes the readers of files from elsewhere: scripts/fuzz.sh SECONDS [TARGET ...]
# Swift and C run with libFuzzer's coverage and AddressSanitizer, C with UBSan too. What grows in
# .build-fuzz/corpus is where the next run goes on; what ended a reader is in .build-fuzz/found.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
[ $# -gt 0 ] && shift
work=$PWD/.build-fuzz
FST_FUZZ=1 nice -n 19 "${SWIFT:-swift}" build -c release --product fuzz --scratch-path "$work" \
  --sanitize address -Xswiftc -sanitize=fuzzer -Xswiftc -use-ld=lld \
  -Xcc -fsanitize=fuzzer-no-link -Xcc -fsanitize=undefined -Xcc -fno-sanitize-recover=undefined
fuzz=$work/release/fuzz
mkdir -p "$work/found"
"$fuzz" seeds "$work/corpus"
[ $# -gt 0 ] || set -- archive pickle safetensors checkpoint info npy csv yaml plan image
status=0
# Leaks are not looked for: Swift's runtime keeps what it has made once.
export ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=32:allocator_may_return_null=1

# libFuzzer's 3 s are a clock's, which runs on while others have the processor: what took too long
# has to do so again.
was_stalled() {
  input=$(sed -n 's/.*Test unit written to //p' "$1")
  grep -q 'ERROR: libFuzzer: timeout' "$1" && "$fuzz" "$2" -timeout=3 "$input" >/dev/null 2>&1 \
    && rm "$input"
}

for target in "$@"; do
  log=$work/$target.log
  ended='nothing found'
  # What is a header or settings alone is short: many more executions in the same time.
  case $target in plan | safetensors | yaml) length=4096 ;; *) length=65536 ;; esac
  if ! nice -n 19 "$fuzz" "$target" -max_total_time="$seconds" -timeout=3 -rss_limit_mb=1024 \
    -malloc_limit_mb=512 -max_len="$length" -print_final_stats=1 -verbosity=0 \
    -artifact_prefix="$work/found/$target-" "$work/corpus/$target" >"$log" 2>&1; then
    if was_stalled "$log" "$target"; then
      ended='cut short, since the machine had no time for it'
    else
      ended="found something: $log"
      status=1
    fi
  fi
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  memory=$(sed -n 's/^stat::peak_rss_mb: *//p' "$log")
  echo "$target: ${executions:-0} executions, at most ${memory:-?} MB; $ended"
done
exit $status
