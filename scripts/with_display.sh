#!/usr/bin/env bash
# with_display.sh COMMAND…   run a command where windows can open: on this machine's display, or under Xvfb
# with_display.sh --check    succeed when this machine has a usable display of its own
#
# Where there is neither, pytest runs without the tests that open windows, and says so.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)

usable_display() {
    case "$(uname -s)" in
    Linux | *BSD) ;;
    *) return 0 ;; # macOS and Windows always have one
    esac
    [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || return 1
    # The variable may be set and nothing answer: ask Qt, which aborts then.
    {
        env -u QT_QPA_PLATFORM "$here/.venv/bin/python" -c \
            'from qtpy.QtGui import QGuiApplication; QGuiApplication([])'
    } >/dev/null 2>&1
}

if [ "${1:-}" = --check ]; then
    usable_display
    exit
fi
if usable_display; then
    exec "$@"
elif command -v xvfb-run >/dev/null && command -v xauth >/dev/null; then
    exec env -u WAYLAND_DISPLAY xvfb-run -a -s "-screen 0 1600x1000x24" "$@"
fi
echo "No display and no Xvfb: whatever needs a window is left out (see scripts/system_libraries.sh)" >&2
export QT_QPA_PLATFORM=offscreen
case " $* " in
*" pytest "*) exec "$@" -m "not window" ;;
*) exec "$@" ;;
esac
