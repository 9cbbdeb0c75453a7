#!/bin/bash
# Of what Ninja prints under NINJA_STATUS='%p ': every tenth of the way once, and messages. Not that there is nothing
# to do, nor its looking whether there is.
tenth=0
while IFS= read -r line; do
  if [[ $line =~ ^\ *([0-9]+)%\ (Re-)? ]]; then
    now=$((BASH_REMATCH[1] / 10))
    if [[ -z ${BASH_REMATCH[2]} ]] && ((now > tenth)); then
      tenth=$now
      echo "  $((10 * now)) %"
    fi
  elif [[ $line != *'no work to do'* ]]; then
    echo "$line"
  fi
done
