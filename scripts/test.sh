#!/usr/bin/env bash
# scripts/test.sh BUILD [ctest arguments]: runs the tests of a build folder, and adds up what the
# runners counted. The last line is `N passed, N failed`, with `, N skipped` if some were.
set -uo pipefail
build=$1
shift

log=$build/Testing/Temporary/LastTest.log
rm -f "$log"
ctest --test-dir "$build" --output-on-failure --no-tests=error "$@"
status=$?

# Every runner closes with `NAME: 3 passed, 0 failed[, 1 skipped]`. One that ended without such a line,
# or failed although it counts no failure (a crash, a time-out, a sanitizer's report), is one failure.
awk '
  function settle() {
    if (in_test && red && !run_failed) ++failed
    in_test = red = run_failed = 0
  }
  /^[0-9]+\/[0-9]+ Testing: /  { settle(); in_test = 1; closed = 0 }
  /^[a-z-]+: [0-9]+ passed, [0-9]+ failed/ {
    passed += $2; failed += $4; run_failed += $4; closed = 1
    if ($7 ~ /^skipped/) skipped += $6
  }
  /^Test Failed\./ || /^Test timed out/ { red = 1 }
  /^Test Passed\./ && !closed  { red = 1; print "a runner closed without its totals" }
  END {
    settle()
    printf "%d passed, %d failed", passed, failed
    if (skipped) printf ", %d skipped", skipped
    print ""
    exit failed > 0 || passed == 0
  }' "$log" || status=1
exit $status
