# SPDX-License-Identifier: BSD-3-Clause
"""Clean Debian roots to install packages in.

Each script runs in mount and process namespaces of its own, so that nothing of it is left when it
ends, whatever it started or mounted; and in a network namespace, unless it fetches packages.
"""
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ["SOFTIOV_BUILD"])
TIMEOUT = 300

ENTER = """
mount --bind "$2" "$1/var/cache/apt/archives"
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
ip link set lo up 2>/dev/null || true
cd /
exec chroot "$1" /bin/bash -euo pipefail -c "$3"
"""

# systemd as the first process of a container: with cgroups and devices of its own, and no kernel
# settings to change.
BOOT = """
mount -t cgroup2 cgroup2 "$1/sys"
mkdir "$1/sys/$2"
echo $$ > "$1/sys/$2/cgroup.procs"
exec unshare --cgroup sh -ec '
    umount "$1/sys"
    mount --bind "$1" "$1"
    mount -t proc proc "$1/proc"
    mount --bind "$1/proc/sys" "$1/proc/sys"
    mount -o remount,bind,ro "$1/proc/sys"
    mount -t sysfs -o ro sysfs "$1/sys"
    mount -t cgroup2 cgroup2 "$1/sys/fs/cgroup"
    mount -t tmpfs tmpfs "$1/run"
    mount -t tmpfs -o mode=755 tmpfs "$1/dev"
    cd "$1/dev"
    mkdir pts net shm
    mknod -m 666 null c 1 3
    mknod -m 666 zero c 1 5
    mknod -m 666 full c 1 7
    mknod -m 666 random c 1 8
    mknod -m 666 urandom c 1 9
    mknod -m 666 tty c 5 0
    mknod -m 666 fuse c 10 229
    mknod -m 666 net/tun c 10 200
    mount -t devpts -o newinstance,ptmxmode=0666 devpts pts
    ln -s pts/ptmx ptmx
    ln -s /proc/self/fd fd
    cd "$1"
    pivot_root . mnt
    umount -l /mnt
    exec env -i container=lxc PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd \\
        --unit=probe.target --log-target=console' sh "$1"
"""
PROBE_TARGET = "[Unit]\nRequires=multi-user.target probe.service\nAllowIsolate=yes\n"
PROBE_SERVICE = """[Unit]
After=softiovd.service
SuccessAction=exit-force
FailureAction=exit-force
[Service]
Type=oneshot
ExecStart=/bin/bash -euo pipefail /probe
StandardOutput=file:/probe.out
StandardError=inherit
"""
LEAVE = """
mount -t cgroup2 cgroup2 /mnt
find "/mnt/$1" -depth -type d -exec rmdir {} +
"""


class Root:
    """A Debian root in a folder; what scripts do there lasts."""

    def __init__(self, folder, archives):
        self.folder = pathlib.Path(folder)
        self.archives = archives

    def run(self, script, network=False, fails=False):
        """Run a bash script in the root; return what it said."""
        space = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
        if not network:
            space.append("--net")
        result = subprocess.run(
            [*space, "sh", "-ec", ENTER, "sh", self.folder, self.archives, script],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=TIMEOUT, check=False,
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                 "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "HOME": "/root",
                 **{k: v for k, v in os.environ.items() if k.endswith("_proxy")}})
        assert (result.returncode != 0) == fails, f"{script}\n{result.returncode}\n{result.stdout}"
        return result.stdout

    def boot(self, script):
        """Boot the root with systemd, let it run a bash script; return what that said."""
        self.path("/probe").write_text(script + "\necho done\n")
        self.path("/etc/systemd/system/probe.target").write_text(PROBE_TARGET)
        self.path("/etc/systemd/system/probe.service").write_text(PROBE_SERVICE)
        group = f"softiov-package-{os.getpid()}"
        result = subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--uts", "--ipc", "--net",
             "sh", "-ec", BOOT, "sh", self.folder, group],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=TIMEOUT, check=False)
        subprocess.run(["unshare", "--mount", "sh", "-ec", LEAVE, "sh", group], check=True)
        out = self.path("/probe.out")
        said = out.read_text() if out.exists() else ""
        assert said.endswith("done\n"), f"{script}\n{said}\n{result.stdout}"
        return said

    def apt(self, words):
        """apt-get; an index that is too old is fetched again."""
        apt = f"apt-get -q -y --no-install-recommends {words}"
        self.run(f"{apt} || {{ apt-get -q update; {apt}; }}", network=True)

    def path(self, name):
        """Of a file in the root, seen from outside."""
        return self.folder / name.lstrip("/")

    def copy(self, folder):
        """Another root, in the state of this one. Files of /usr, where packages replace and nobody
        writes into a file, are links."""
        folder.mkdir()
        for entry in self.folder.iterdir():
            how = "-al" if entry.name == "usr" else "-a"
            subprocess.run(["cp", how, entry, folder], check=True)
        return Root(folder, self.archives)


def bump(deb, folder, version):
    """The same package with another version."""
    subprocess.run(["dpkg-deb", "-R", deb, folder], check=True)
    control = folder / "DEBIAN/control"
    text = control.read_text()
    old = next(line for line in text.splitlines() if line.startswith("Version: ")).split()[1]
    control.write_text(text.replace(f"Version: {old}\n", f"Version: {version}\n")
                       .replace(f"(= {old})", f"(= {version})"))
    subprocess.run(["dpkg-deb", "--root-owner-group", "-b", folder, folder.parent], check=True,
                   stdout=subprocess.DEVNULL)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def space():
    """A folder for roots. Not below /tmp: it may be small, or forbid devices and programs."""
    folder = tempfile.mkdtemp(prefix="softiov-package-", dir="/var/tmp")
    yield pathlib.Path(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def clean(space):
    """A root as debootstrap makes it, with our packages in /debs and newer ones in /newer."""
    archive = pathlib.Path(subprocess.run([HERE / "prepare"], check=True, text=True,
                                          stdout=subprocess.PIPE).stdout.strip())
    folder = space / "clean"
    folder.mkdir()
    subprocess.run(["tar", "-C", folder, "--numeric-owner", "-xf", archive], check=True)
    shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")
    (folder / "debs").mkdir()
    (folder / "newer").mkdir()
    debs = [deb for deb in sorted((BUILD / "deb").glob("*.deb")) if "-dbgsym" not in deb.name]
    assert len(debs) == 3
    for deb in debs:
        shutil.copy(deb, folder / "debs")
        bump(deb, folder / "newer" / "unpacked", "99.0")
    return Root(folder, archive.parent / archive.name.replace("root-", "archives-")
                .replace(".tar", ""))


@pytest.fixture(scope="session")
def installed(clean, space):
    """A root with all our packages. Not to be changed: see root."""
    root = clean.copy(space / "installed")
    root.apt("install /debs/*.deb")
    return root


@pytest.fixture
def root(installed, space):
    """The same, to do with as one likes."""
    copy = installed.copy(space / "copy")
    yield copy
    shutil.rmtree(copy.folder)
