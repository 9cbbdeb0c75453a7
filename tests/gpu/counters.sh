#!/bin/sh
# counters.sh RUNNER FOLDER: what Nsight Compute counts on this machine's GPU beside what the simulated one counted.
# Status 0 also where it cannot be had: then a line says why.
runner=$1 folder=$2
ncu=$(command -v ncu || ls /usr/local/cuda/bin/ncu /opt/nvidia/nsight-compute/*/ncu 2> /dev/null | tail -n 1)
if [ -z "$ncu" ]; then
  echo "counters: not compared: there is no ncu (Nsight Compute) on this machine"
  exit 0
fi
if ! metrics=$("$runner" metrics "$folder") || [ -z "$metrics" ]; then
  echo "counters: not compared: no recording has any"
  exit 0
fi
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
if ! "$ncu" --csv --print-units base --metrics "$metrics" "$runner" launch "$folder" > "$out" 2>&1; then
  echo "counters: not compared: $(grep -m 1 -i error "$out" || tail -n 1 "$out")"
  exit 0
fi
"$runner" counters "$folder" "$out"
