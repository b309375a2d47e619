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

    def apt(self, words):
        """apt-get; an index that is too old is fetched again."""
        apt = f"apt-get -q -y --no-install-recommends {words}"
        self.run(f"{apt} || {{ apt-get -q update; {apt}; }}", network=True)

    def path(self, name):
        """Of a file in the root, seen from outside."""
        return self.folder / name.lstrip("/")

    def copy(self, folder):
        """Another root, in the state of this one."""
        subprocess.run(["cp", "-a", "--reflink=auto", self.folder, folder], check=True)
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
