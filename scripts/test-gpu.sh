#!/usr/bin/env bash
# scripts/test-gpu.sh TENON [PROGRAM.tn…]: programs on the GPU of this machine, with --strict: all of tests/programs and
# every example, unless others are given. What one prints is what the language says, bit for bit, as on the processor
# and on the simulated GPU.
# Ends with 0 if all do, 1 if one does not, 77 if there is no GPU, and says what is missing.
set -uo pipefail
tenon=$(realpath "$1")
shift
cd "$(dirname "$0")/.." || exit 1
root=$PWD
[ $# -gt 0 ] || set -- tests/programs/*.tn examples/*/*.tn

gpu=$("$tenon" doctor | sed -n 's/^GPU  *//p')
if [[ ! $gpu =~ ", compute capability "[0-9]+\.[0-9]$ ]]; then
  echo "test-gpu: skipped, nothing was run: ${gpu:-tenon doctor says nothing of a GPU}"
  exit 77
fi
echo "test-gpu: on $gpu"

# A directive at the head of a program: `//@ exit 1`.
told() { sed -n "/^\/\/@/!q; s/^\/\/@ $2 *//p" "$1"; }

# Programs save where they run.
passed=0 failed=0 folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
# At -O1 little is computed when compiling, so that kernels are many; at -O2 they are fused.
for level in -O1 -O2; do for name; do
  program=$root/$name
  [ -n "$(told "$program" elsewhere)" ] && continue
  # shellcheck disable=SC2046,SC2086  # arguments are words
  "$tenon" run "$program" --target gpu --strict $level $(told "$program" arguments) > out.txt 2> /dev/null
  status=$?
  wanted=$(told "$program" exit)
  [ -n "$(told "$program" fails)" ] && wanted=1
  if [ "$status" -eq "${wanted:-0}" ] && cmp -s out.txt "${program%.tn}.out"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $name $level, exit status $status"
    diff "${program%.tn}.out" out.txt | head -4
  fi
done; done
echo "test-gpu: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
