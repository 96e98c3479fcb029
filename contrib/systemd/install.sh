#!/bin/sh
# Installs waconnd as a system service, upgrades it in place, and takes it away again.
#   install.sh install | uninstall          (by `make install`, `make uninstall`)
# DESTDIR stages everything below another root (packages, tests); PURGE=1 removes state and configuration too.
set -eu

ACTION=${1:?install or uninstall}
HERE=$(cd "$(dirname "$0")" && pwd)
SOURCE=$(cd "$HERE/../.." && pwd)
DESTDIR=${DESTDIR:-}
PREFIX=${PREFIX:-/opt/waconnd}
BIN=$DESTDIR${BINDIR:-/usr/local/bin}/waconnd
UNITS=$DESTDIR${UNITDIR:-/etc/systemd/system}
PYTHON=${PY:-python3}
UNIT_FILES="waconnd.service waconnd.socket waconnd@.service"

say() { printf '%s\n' "$*"; }
die() { say "$*" >&2; exit 1; }
live() { [ -z "$DESTDIR" ] && [ -d /run/systemd/system ]; }

[ "$(id -u)" = 0 ] || [ -n "$DESTDIR" ] || die "This needs root: sudo make $ACTION"

version_of() { sed -n 's/^__version__ = "\(.*\)"/\1/p' "$1"; }
# The older of two versions, by number.
older() { printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1; }

install_it() {
    new=$(version_of "$SOURCE/waconnd/__init__.py")
    old=
    stamp=$DESTDIR$PREFIX/VERSION
    [ -f "$stamp" ] && old=$(cat "$stamp")
    if [ -n "$old" ] && [ "$old" != "$new" ] && [ "$(older "$old" "$new")" = "$new" ]; then
        die "waconnd $old is installed and $new is older: its state may be of a newer form. Nothing was changed.
To go back anyway, restore a backup made under $new, run 'make uninstall', and install again."
    fi
    # ProtectHome= hides these from the service: it would not even start.
    case $("$PYTHON" -c 'import os, sys; print(os.path.realpath(sys.executable))') in
        /home/*|/root/*|/run/user/*)
            [ -n "$DESTDIR" ] || die "$PYTHON stands in a home directory, which the service can't see.
Name another: make install PY=/usr/bin/python3. Nothing was changed." ;;
    esac
    # A new environment beside the old one, swapped in whole: an upgrade that breaks half-way changes nothing.
    fresh=$DESTDIR$PREFIX/venv.new
    rm -rf "$fresh"
    mkdir -p "$DESTDIR$PREFIX"
    "$PYTHON" -m venv "$fresh"
    "$fresh/bin/python" -m pip install -q --disable-pip-version-check "$SOURCE"
    rm -rf "$DESTDIR$PREFIX/venv.old"
    [ -d "$DESTDIR$PREFIX/venv" ] && mv "$DESTDIR$PREFIX/venv" "$DESTDIR$PREFIX/venv.old"
    mv "$fresh" "$DESTDIR$PREFIX/venv"
    rm -rf "$DESTDIR$PREFIX/venv.old"
    mkdir -p "$(dirname "$BIN")" "$UNITS" "$DESTDIR/usr/lib/sysusers.d" "$DESTDIR/usr/lib/tmpfiles.d" \
        "$DESTDIR/usr/lib/systemd/catalog"
    # By module, not by pip's script: that one names the directory that was just renamed.
    printf '#!/bin/sh\nexec %s/venv/bin/python -m waconnd "$@"\n' "$PREFIX" > "$BIN"
    chmod 755 "$BIN"
    for unit in $UNIT_FILES; do
        sed "s|/usr/bin/waconnd|${BINDIR:-/usr/local/bin}/waconnd|g" "$HERE/$unit" > "$UNITS/$unit"
        chmod 644 "$UNITS/$unit"
    done
    cp "$HERE/sysusers.conf" "$DESTDIR/usr/lib/sysusers.d/waconnd.conf"
    cp "$HERE/tmpfiles.conf" "$DESTDIR/usr/lib/tmpfiles.d/waconnd.conf"
    cp "$HERE/waconnd.catalog" "$DESTDIR/usr/lib/systemd/catalog/waconnd.catalog"
    printf '%s\n' "$new" > "$stamp"
    if live; then
        systemd-sysusers waconnd.conf
        systemd-tmpfiles --create waconnd.conf
        journalctl --update-catalog
        systemctl daemon-reload
        if systemctl is-active -q waconnd.service; then
            systemctl restart waconnd.service
        fi
    fi
    if [ -n "$old" ] && [ "$old" != "$new" ]; then
        say "waconnd $old was upgraded to $new; accounts reconnect by themselves."
    elif [ -n "$old" ]; then
        say "waconnd $new was installed again."
    else
        say "waconnd $new is installed. Next:"
        say "  systemctl enable --now waconnd.socket waconnd.service"
        say "  waconnd pair main"
    fi
}

uninstall_it() {
    if live; then
        systemctl disable --now waconnd.service waconnd.socket 2>/dev/null || true
        for instance in $(systemctl list-units --plain --no-legend 'waconnd@*' | cut -d' ' -f1); do
            systemctl disable --now "$instance" || true
        done
    fi
    for unit in $UNIT_FILES; do rm -f "$UNITS/$unit"; done
    rm -f "$BIN" "$DESTDIR/usr/lib/sysusers.d/waconnd.conf" "$DESTDIR/usr/lib/tmpfiles.d/waconnd.conf" \
        "$DESTDIR/usr/lib/systemd/catalog/waconnd.catalog"
    rm -rf "$DESTDIR$PREFIX"
    if [ "${PURGE:-0}" = 1 ]; then
        rm -rf "$DESTDIR/var/lib/waconnd" "$DESTDIR/var/cache/waconnd" "$DESTDIR/etc/waconnd"
        say "waconnd, its accounts and its configuration are removed."
    else
        say "waconnd is removed. Accounts stay in /var/lib/waconnd; PURGE=1 removes them too."
    fi
    if live; then
        systemctl daemon-reload
        journalctl --update-catalog
    fi
}

case $ACTION in
    install) install_it ;;
    uninstall) uninstall_it ;;
    *) die "install or uninstall" ;;
esac
