#!/usr/bin/env bash
# scripts/fuzz-files.sh MINUTES: damages .npy and .safetensors files and reads them, each format for
# so long, built with sanitizers. Inputs that crash or hang a reader are kept in build-fuzz/findings/.
# With clang's libFuzzer, which keeps what reaches new code in build-fuzz/corpus/, where there is
# one; else with the runner of tests/fuzz/.
set -euo pipefail
minutes=$1
build=build-fuzz

options=(-DTENON_SANITIZE=ON)
libfuzzer=
if echo 'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }' |
    clang++ -fsanitize=fuzzer,address -x c++ - -o /dev/null 2> /dev/null; then
  libfuzzer=1
  options+=(-DTENON_LIBFUZZER=ON -DCMAKE_CXX_COMPILER=clang++)
fi
[ -f $build/build.ninja ] || cmake -S . -B $build -G Ninja "${options[@]}" > /dev/null
cmake --build $build --target tenon_fuzz_npy tenon_fuzz_safetensors -- --quiet

status=0
for format in npy safetensors; do
  mkdir -p $build/findings $build/corpus/$format
  if [ -n "$libfuzzer" ]; then
    echo "fuzz-$format: libFuzzer, $minutes minutes"
    $build/bin/tenon_fuzz_$format -seed=1 -max_total_time=$((minutes * 60)) -max_len=4096 \
      -timeout=10 -print_final_stats=1 -verbosity=0 -artifact_prefix=$build/findings/$format- \
      $build/corpus/$format tests/fuzz/corpus/$format || status=1
  else
    $build/bin/tenon_fuzz_$format tests/fuzz/corpus/$format "$minutes" $build/findings || status=1
  fi
done
exit $status
