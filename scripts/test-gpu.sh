#!/usr/bin/env bash
# scripts/test-gpu.sh TENON: every program of tests/programs on the GPU of this machine, with --strict: what it
# prints is what the language says, bit for bit, as on the processor and on the simulated GPU.
# Ends with 0 if all do, 1 if one does not, 77 if there is no GPU, and says what is missing.
set -uo pipefail
tenon=$(realpath "$1")
cd "$(dirname "$0")/../tests/programs" || exit 1

gpu=$("$tenon" doctor | sed -n 's/^GPU  *//p')
if [[ ! $gpu =~ ", compute capability "[0-9]+\.[0-9]$ ]]; then
  echo "test-gpu: skipped, nothing was run: ${gpu:-tenon doctor says nothing of a GPU}"
  exit 77
fi
echo "test-gpu: on $gpu"

# A directive at the head of a program: `//@ exit 1`.
told() { sed -n "/^\/\/@/!q; s/^\/\/@ $2 *//p" "$1"; }

passed=0 failed=0 out=$(mktemp)
trap 'rm -f "$out"' EXIT
# At -O1 little is computed when compiling, so that kernels are many; at -O2 they are fused.
programs=(*.tn)
for level in -O1 -O2; do for program in "${programs[@]}"; do
  [ -n "$(told "$program" elsewhere)" ] && continue
  # shellcheck disable=SC2046,SC2086  # arguments are words
  "$tenon" run "$program" --target gpu --strict $level $(told "$program" arguments) > "$out" 2> /dev/null
  status=$?
  wanted=$(told "$program" exit)
  [ -n "$(told "$program" fails)" ] && wanted=1
  if [ "$status" -eq "${wanted:-0}" ] && cmp -s "$out" "${program%.tn}.out"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $program $level, exit status $status"
    diff "${program%.tn}.out" "$out" | head -4
  fi
done; done
echo "test-gpu: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
