#!/usr/bin/env bash
# Install the system libraries that napari's window needs, and Xvfb for the tests that open one.
# Debian and Ubuntu only, as root or with sudo that asks no password; otherwise a message names them.
# Never fails: everything but the window works without them.
set -euo pipefail

packages=(xvfb xauth libegl1 libgl1 libgl1-mesa-dri libxkbcommon-x11-0 libdbus-1-3 libxcb-cursor0
    libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0
    libxcb-xinerama0 libfontconfig1 libglib2.0-0)

[ "$(uname -s)" = Linux ] || exit 0

# Debian's own Python comes without the part that makes virtual environments.
if [ -n "${PYTHON:-}" ] && ! "$PYTHON" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    packages+=("$("$PYTHON" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')")
fi

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    if ! command -v xvfb-run >/dev/null; then
        echo "To open windows, napari needs the libraries that Debian calls: ${packages[*]}" >&2
        echo "Install what your system calls them, then run make again; without them only the window is missing." >&2
    fi
    exit 0
fi

installed() { # newer releases end some names in t64
    local states
    states=$(dpkg-query -W -f '${db:Status-Abbrev}\n' "$1" "$1t64" 2>/dev/null || true)
    grep -q '^ii' <<<"$states"
}

missing=()
for package in "${packages[@]}"; do
    installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=()
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
else
    echo "To open windows, napari needs these packages; an administrator can install them with" >&2
    echo "    sudo apt-get install --no-install-recommends ${missing[*]}" >&2
    echo "Going on without them: only the window, and the tests that open one, are missing." >&2
    exit 0
fi

echo "Installing system libraries: ${missing[*]}"
if ! { "${as_root[@]}" apt-get update -qq &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}"; }; then
    echo "Could not install ${missing[*]}; going on without them: only the window is missing." >&2
fi
