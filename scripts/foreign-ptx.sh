#!/bin/sh
# Makes the PTX in tests/sim anew: with nvcc, and where they are, with clang 19 and LLVM 22's llc.
# The PTX is kept in the tree, so that the tests need none of them.
set -eu
cd "$(dirname "$0")/../tests/sim"

# Paths of this machine do not belong into the tree.
plain() { sed -i -E 's#(\.file[^"]*")[^"]*/#\1#' "$1"; }

for source in broken/*.cu counters/*.cu; do
  nvcc --ptx -arch=sm_80 -lineinfo "$source" -o "${source%.cu}.ptx"
  plain "${source%.cu}.ptx"
done
cd foreign
for old in *.ptx; do
  name=${old%%.*} sm=${old##*.sm_} compiler=${old#*.}
  sm=${sm%.ptx} compiler=${compiler%%.*}
  cuda="-O2 -x cuda --cuda-device-only -nocudainc -nocudalib -Xclang -target-feature -Xclang +ptx78"
  case $compiler in
    nvcc) nvcc --ptx -arch=sm_"$sm" "$name.cu" -o "$old" ;;
    clang19) clang-19 $cuda --cuda-gpu-arch=sm_"$sm" -S "$name.cu" -o "$old" ;;
    llvm22)
      clang-19 $cuda --cuda-gpu-arch=sm_"$sm" -emit-llvm -S "$name.cu" -o - |
        "${LLC22:-llc-22}" -O3 -mcpu=sm_"$sm" -mattr=+ptx80 -o "$old" ;;
  esac
done
