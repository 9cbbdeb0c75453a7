#!/usr/bin/env bash
# Installs what building Tenon takes and is missing: Debian 12, Debian 13, Ubuntu 24.04.
# Quiet, fast and without network when nothing is missing. LLVM=22 asks for that version of LLVM.
set -euo pipefail

packages=(g++ cmake ninja-build re2c bison
          libfmt-dev libcli11-dev nlohmann-json3-dev libjemalloc-dev libtbb-dev doctest-dev)
optional=(graphviz z3)
llvm_versions=(19 22 21 20)  # 19 if there is one, else the newest

if ! command -v dpkg-query > /dev/null; then
  echo "install-deps: no dpkg here, so nothing is installed. Tenon needs: ${packages[*]} and LLVM 19 to 22" >&2
  exit 0
fi

# Prints those of its arguments that are not installed.
missing() {
  local package installed
  installed=$(dpkg-query -W -f '${binary:Package} ${db:Status-Status}\n' 2> /dev/null |
              sed -n 's/^\([^ :]*\)\(:[^ ]*\)\? installed$/\1/p')
  for package in "$@"; do
    grep -qxF "$package" <<< "$installed" || echo "$package"
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo > /dev/null; then
    sudo "$@"
  else
    echo "install-deps: this needs root or sudo: $*" >&2
    exit 1
  fi
}

# Whether apt could install the package.
available() { apt-cache policy "$1" 2> /dev/null | grep -q '^ *Candidate: [0-9]'; }

# Prints the LLVM packages that are missing and can be had; nothing if a usable LLVM is there.
missing_llvm() {
  local version wanted=(${LLVM:-${llvm_versions[@]}})
  for version in "${wanted[@]}"; do
    [ -z "$(missing "llvm-$version-dev")" ] && return
  done
  for version in "${wanted[@]}"; do
    if available "llvm-$version-dev"; then
      echo "llvm-$version-dev"
      return
    fi
  done
  echo "llvm-${wanted[0]}-dev"  # apt will say that it does not know it
}

update_lists() {
  echo "install-deps: reading the package lists"
  as_root apt-get -qq update || echo "install-deps: apt-get update failed; trying with the lists there are" >&2
}

needed=$(missing "${packages[@]}"; missing_llvm)
[ -z "$needed" ] && exit 0

update_lists
needed=$(missing "${packages[@]}"; missing_llvm)  # fresh lists may know another LLVM
echo "install-deps: installing" $needed
if ! as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 install $needed > /dev/null; then
  cat >&2 <<MESSAGE
install-deps: apt-get could not install: $(echo $needed)
  Tenon is tested on Debian 12, Debian 13 and Ubuntu 24.04 (there with the component universe).
  LLVM may be any of 19 to 22: `make LLVM=20` asks for another one.
MESSAGE
  exit 1
fi

left=$(missing "${optional[@]}")
[ -z "$left" ] || echo "install-deps: not needed, but useful (\`tenon doctor\` says for what):" $left
