"""A machine with a real systemd, in namespaces of its own: it can write to memory only, which is gone with it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: The same inside, wherever it lies outside.
SOURCE = "/run/source"
SYSTEMD = "/lib/systemd/systemd"
#: Not the one that runs the tests: the service must find it outside of anybody's home.
PYTHON = "/usr/bin/python3"

#: First what protects the machine that runs the tests, then a look whether it does, then systemd. Its start-up runs
#: `systemd-tmpfiles --remove --boot`, which empties /tmp, and much more that is meant for a machine of its own: so
#: all disks of ours are read-only here, /tmp is another one, and what sets a machine up is masked.
BOOT = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mkdir {source}
mount --bind "{root}" {source}
mount -o remount,bind,ro {source}
for name in etc var opt usr; do
    mkdir -p /run/over/$name/up /run/over/$name/work
    mount -t overlay overlay -o lowerdir=/$name,upperdir=/run/over/$name/up,workdir=/run/over/$name/work /$name
done
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
while read -r _ _ _ _ where _; do
    case $where in
        /proc* | /run* | /dev* | /sys* | /tmp | /etc | /var | /opt | /usr) ;;
        *) mount -o remount,bind,ro "$where" ;;
    esac
done < /proc/self/mountinfo
umount -l /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
for place in / /root /home /srv /boot {source} "{root}" "{folder}" /proc/sys/kernel; do
    if [ -w "$place" ]; then echo "$place can be written: not booting" >&2; exit 1; fi
done
[ "$(stat -f -c %T /tmp)" = tmpfs ] && [ -z "$(ls -A /tmp)" ] || {{ echo "/tmp is not our own: not booting" >&2; exit 1; }}
mkdir -p /run/systemd/system
for wants in sysinit local-fs timers; do
    for unit in /usr/lib/systemd/system/$wants.target.wants/* /etc/systemd/system/$wants.target.wants/*; do
        case ${{unit##*/}} in
            '*' | systemd-journald.service | *.target) ;;
            *) ln -sf /dev/null "/run/systemd/system/${{unit##*/}}" ;;
        esac
    done
done
printf '[Unit]\\nRequires=systemd-journald.service\\nAfter=systemd-journald.service\\n' > /run/systemd/system/test.target
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin container=test {systemd} --system --unit=test.target
"""


def missing() -> str:
    """Why there can't be one here; nothing when there can."""
    if os.geteuid() != 0:
        return "needs root"
    for program in ("unshare", "nsenter", "setpriv", "systemctl", "journalctl"):
        if shutil.which(program) is None:
            return f"needs {program}"
    if not Path(SYSTEMD).exists():
        return "needs systemd"
    check = [PYTHON, "-c", "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))"]
    if not Path(PYTHON).exists() or subprocess.run(check, capture_output=True).returncode:
        return f"needs {PYTHON} 3.11 or newer with venv"
    return ""


class Machine:
    """Boots when made; `halt()` ends it."""

    def __init__(self, folder: Path) -> None:
        script = BOOT.format(root=ROOT, source=SOURCE, folder=folder, systemd=SYSTEMD)
        flags = ["--pid", "--fork", "--mount", "--mount-proc", "--uts", "--ipc", "--cgroup", "--kill-child"]
        with (folder / "boot.log").open("wb") as log:
            self.outer = subprocess.Popen(
                ["unshare", *flags, "bash", "-c", script],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
        self.log = folder / "boot.log"
        # Before that, what we would enter is our own machine.
        self.until(lambda: self._booting, 10)
        self.until(lambda: "running" in self.run("systemctl", "is-system-running").stdout, 30)

    @property
    def _booting(self) -> bool:
        children = Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children").read_text().split()
        return bool(children) and os.readlink(f"/proc/{children[0]}/exe") == os.path.realpath(SYSTEMD)

    @property
    def pid(self) -> str:
        """The systemd's, as we see it."""
        children = Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children").read_text().split()
        assert children, self.log.read_text()
        return children[0]

    def run(self, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """A command inside."""
        enter = ["nsenter", "--target", self.pid, "-m", "-p", "-u", "-i", "-C"]
        return subprocess.run(
            [*enter, *command], capture_output=True, text=True, timeout=180, env=os.environ | environ
        )

    def ok(self, *command: str, **environ: str) -> str:
        """A command inside that must work; what it said."""
        done = self.run(*command, **environ)
        if done.returncode:
            journal = self.run("journalctl", "-u", "waconnd", "-n", "20", "--no-pager").stdout
            raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}{done.stderr}\n{journal}")
        return done.stdout

    def show(self, name: str, unit: str = "waconnd.service") -> str:
        """A property of a unit."""
        return self.ok("systemctl", "show", "-P", name, unit).strip()

    def write(self, path: str, text: str) -> None:
        self.ok("bash", "-c", f'mkdir -p "$(dirname {path})" && cat > {path} <<"END"\n{text}\nEND')

    def until(self, what: Callable[[], bool], seconds: float = 15) -> None:
        """Wait for something to become true."""
        end = time.monotonic() + seconds
        while not what():
            assert self.outer.poll() is None, self.log.read_text()
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.1)

    def halt(self) -> None:
        """`--kill-child` takes everything along."""
        self.outer.send_signal(signal.SIGKILL)
        self.outer.wait()
