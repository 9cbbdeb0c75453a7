#!/usr/bin/env bash
# scripts/gpu-bundle.sh TENON OUT.tar.gz [PROGRAM.tn…]: what tests a GPU on a machine that has a C++ compiler and
# nothing else of what Tenon takes. Of each program, tests/programs, the examples and tests/counters unless others are
# given: the PTX for every GPU, and the calls, inputs and results as they were on the simulated GPU
# (tests/gpu/README.md).
# And for bench-gpu, where there is Python, the plans of its workloads; PLANS says which (--only=PART, --small).
# Ends with 1 where the processor and the simulated GPU do not agree about a program.
set -euo pipefail
tenon=$(realpath "$1") out=$(realpath -m "$2")
shift 2
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- tests/programs/*.tn examples/*/*.tn tests/counters/*.tn

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bundle=$work/gpu-bundle
mkdir -p "$bundle"/{recordings,runtime,tests/gpu,include/fmt,bench/gpu/worker,bench/cpu/worker,bench/support} "$work/list"

# ---- what runs there
cp tests/gpu/{corpus,isolated,counters}.{cpp,h} tests/gpu/runner.cpp tests/gpu/counters.sh "$bundle/tests/gpu/"
cp runtime/*.def runtime/{device,cuda_device,fault,scalar,small_float,recording,replay}.h \
   runtime/{cuda_device,fault,small_float,recording,replay}.cpp "$bundle/runtime/"
cp bench/gpu/*.py "$bundle/bench/gpu/"
cp bench/gpu/worker/* "$bundle/bench/gpu/worker/"
cp bench/cpu/worker/{worker.c,worker.h,plain*,python_worker.py,torch_kinds.py} "$bundle/bench/cpu/worker/"
cp bench/support/*.py "$bundle/bench/support/"
cp tests/gpu/Makefile.bundle "$bundle/Makefile"
cp tests/gpu/README.md LICENSE "$bundle/"
# {fmt} by its headers alone, from where the compiler finds them.
echo '#include <fmt/ranges.h>' | ${CXX:-c++} -std=c++20 -DFMT_HEADER_ONLY -x c++ -M - |
  tr ' \\' '\n\n' | { grep '/fmt/[a-z-]*\.h$' || true; } | xargs -I{} cp {} "$bundle/include/fmt/"

# ---- recordings

# A directive at the head of a program: `//@ exit 1`.
told() { sed -n "/^\/\/@/!q; s/^\/\/@ $2 *//p" "$1"; }

# record PROGRAM KIND GPU OPTION…: KIND/GPU/NAME. What it prints under --strict is what the processor prints.
record() {
  local program=$1 kind=$2 gpu=$3
  shift 3
  local name folder status=0 wanted prefix=$bundle/recordings/$kind/$gpu
  name=$(basename "$program" .tn)
  mkdir -p "$prefix" && folder=$(mktemp -d -p "$work")
  ln -s "$PWD/bench" "$folder/"  # programs import from there
  mkdir -p "$folder/$(dirname "$program")" && cp "$(dirname "$program")"/* "$folder/$(dirname "$program")/"
  cd "$folder/$(dirname "$program")"
  wanted=$(told "$name.tn" exit)
  [ -n "$(told "$name.tn" fails)" ] && wanted=1
  local arguments=()
  read -ra arguments <<< "$(told "$name.tn" arguments)" || true
  "$tenon" run "$name.tn" --target sim --gpu-arch "$gpu" --record "$prefix/$name" "$@" "${arguments[@]}" \
    > sim.txt 2> error.txt || status=$?
  if [ "$status" -ne "${wanted:-0}" ]; then
    echo "gpu-bundle: $program on sim ends with status $status: $(head -n 1 error.txt)" >&2
    return 1
  fi
  if [ "$kind" = strict ]; then
    "$tenon" run "$name.tn" "$@" "${arguments[@]}" > cpu.txt 2> /dev/null || true
    if ! cmp -s sim.txt cpu.txt; then
      echo "gpu-bundle: $program prints something else on sim than on cpu" >&2
      return 1
    fi
  fi
  local tolerance=0
  if [ "$kind" != strict ] && grep -q 'mma\.sync' "$prefix/$name.ptx"; then
    tolerance=$(told "$name.tn" inexact)
    tolerance=${tolerance:-1e-3}
  fi
  if grep -q '^launch ' "$prefix/$name.calls"; then
    echo "$kind/$gpu/$name $tolerance" > "$work/list/$kind.$gpu.$name"
  else
    rm "$prefix/$name".{calls,ptx,data}  # it has nothing for a GPU
  fi
  rm -rf "$folder"
}
export -f record told
export tenon work bundle

jobs() {
  local program gpu
  for program; do
    if [[ $program == *tests/counters/* ]]; then
      for gpu in sm_80 sm_90; do printf '%s counters %s\n' "$program" "$gpu"; done
    elif [ -z "$(told "$program" elsewhere)" ]; then
      for gpu in sm_75 sm_80 sm_90; do
        printf '%s strict %s --strict -O1\n' "$program" "$gpu"
        printf '%s fast %s\n' "$program" "$gpu"
      done
    fi
  done
}
jobs "$@" | xargs -P "$(nproc)" -I{} bash -c 'record {}'
cat "$work"/list/* > "$bundle/recordings/list"

if command -v python3 > /dev/null; then
  # shellcheck disable=SC2086  # options are words
  bench/gpu/plan.py "$tenon" "$bundle/bench/plans" ${PLANS:-}
else
  echo "gpu-bundle: there is no python3, so there are no plans for bench-gpu"
fi

mkdir -p "$(dirname "$out")"
tar -C "$work" --sort=name --owner=0 --group=0 -czf "$out.part" gpu-bundle
mv "$out.part" "$out"
echo "gpu-bundle: $(wc -l < "$bundle/recordings/list") recordings of $# programs in $out, $(du -h "$out" | cut -f 1)"
