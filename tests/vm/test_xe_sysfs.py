# SPDX-License-Identifier: BSD-3-Clause
"""
The cards as a sysfs tree: the real lspci and setpci on it, a kernel's semantics of sriov_numvfs,
what writes of anything to anything do, and that a mount never stands between a daemon and its end.
"""

import contextlib
import errno
import os
import random
import re
import resource
import signal
import stat
import subprocess

import pytest

from lab import program, wait_until
from vfio_user import CONFIG, Vf

CARD = "cards: [{ address: '0000:07' }]\n"
PF = "0000:07:00.0"
VFS = [f"0000:07:{0x10 + n // 4:02x}.{n % 4 * 2}" for n in range(8)]
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
VF_LINE = ("07:10.0 Ethernet controller: Intel Corporation 82599 Ethernet Controller "
           "Virtual Function (rev 01)")
# All that the kernel's own files answer a bad write with (drivers/pci, fs/kernfs, fs/sysfs).
KERNEL_ERRORS = {errno.EACCES, errno.EBUSY, errno.EFBIG, errno.EINVAL, errno.EIO, errno.ENOENT,
                 errno.EOPNOTSUPP, errno.EPERM, errno.ERANGE}


def tree(daemon):
    return daemon.run_dir / "sys"


def devices(daemon):
    return tree(daemon) / "bus/pci/devices"


def started(crew, config=CARD, functions=9, **options):
    daemon = crew.daemon(config, **options)
    wait_until(lambda: len(daemon.functions()) == functions, 30, "the VFs")
    return daemon


@pytest.fixture(scope="module")
def daemon(module_crew):
    return started(module_crew)


def lspci(daemon, *words):
    """softiov lspci, which must have nothing to complain of; its output."""
    rc, out, err = daemon.cli("lspci", *words)
    assert (rc, err) == (0, ""), (words, err)
    return out


def write(path, text, offset=0, flags=os.O_WRONLY):
    """Write it as it is; the error, 0 for none."""
    try:
        fd = os.open(path, flags)
        try:
            os.pwrite(fd, text if isinstance(text, bytes) else text.encode(), offset)
        finally:
            os.close(fd)
    except OSError as error:
        return error.errno
    return 0


def files(daemon, top=""):
    return [path for path in sorted((tree(daemon) / top).rglob("*"))
            if path.is_file() and not path.is_symlink()]


# lspci and setpci

def test_lspci_lists_vfs(daemon):
    lines = lspci(daemon).splitlines()
    assert VF_LINE in lines
    assert [line.split()[0] for line in lines] == [f[5:] for f in [PF, *VFS]]


@pytest.mark.parametrize("words", [
    "-v", "-vvv", "-xxxx", "-t", "-tv", "-k", "-nn", "-D", "-mm", "-vmm", "-vvv -xxxx -nn -D -k",
    "-s 07:10.0", "-d 8086:10ed", "-b -v"])
def test_lspci_options(daemon, words):
    assert lspci(daemon, *words.split())
    assert lspci(daemon, "--bare", *words.split())


def test_lspci_verbose(daemon):
    paragraphs = lspci(daemon, "-D", "-vvv").strip().split("\n\n")
    shown = {text.split()[0]: text for text in paragraphs}
    assert list(shown) == [PF, *VFS]
    pf = shown.pop(PF)
    for words in ("Number of VFs: 8", "VF offset: 128, stride: 2, Device ID: 10ed",
                  "Total VFs: 64", "[SN] Serial number", "checksum good",
                  "Kernel driver in use: softiov-pf", "LnkSta:\tSpeed 5GT/s, Width x8",
                  "Device Serial Number", "Advanced Error Reporting"):
        assert words in pf, words
    assert len(re.findall(r"Region \d: Memory at 3[0-9a-f]{11} ", pf)) == 2
    regions = set()
    for address, vf in shown.items():
        assert "MSI-X: Enable- Count=3 Masked-" in vf and "[size=16K]" in vf, address
        assert "Kernel driver in use" not in vf and "<ignored>" not in vf, address
        regions.update(re.findall(r"Memory at (3[0-9a-f]{11}) ", vf))
    assert len(regions) == 2 * len(VFS), "each VF has its own part of each VF BAR"


def test_lspci_bare(daemon):
    bus, manager = lspci(daemon, "--bare", "-n", "-s", "07:10.0").split("\n\n")
    assert "07:10.0 0200: ffff:ffff (rev 01)" in bus
    assert "07:10.0 0200: 8086:10ed (rev 01)" in manager
    assert "Region" not in lspci(daemon, "--bare", "-vv", "-s", "07:10.0").split("\n\n")[0]


def test_lspci_refusals(daemon, tmp_path):
    rc, out, err = daemon.cli("lspci", "-Q", "-s", "7:x")
    assert rc == 1 and "lspci:" in err, "lspci's own words reach the user"
    done = subprocess.run([program("softiov"), "--socket", tmp_path / "none.sock", "lspci"],
                          capture_output=True, text=True, timeout=20)
    assert done.returncode == 1 and "softiovd" in done.stderr and done.stdout == ""


def test_config_is_what_the_client_sees(daemon):
    address = VFS[1]
    with Vf(daemon.socket(address)) as vf:
        seen = b"".join(vf.read(CONFIG, offset, 4).to_bytes(4, "little")
                        for offset in range(0, 4096, 4))
        assert (devices(daemon) / address / "config").read_bytes() == seen
        dump = lspci(daemon, "-xxxx", "-s", address)
        assert bytes.fromhex("".join(re.findall(r"^[0-9a-f]+: (.*)$", dump, re.M))) == seen
        assert seen[:4] == b"\x86\x80\xed\x10" and seen[4] & 6 == 6


def test_every_dump_is_the_file(daemon):
    for options, top in ((["-D", "-xxxx"], tree(daemon)),
                         (["--bare", "-D", "-xxxx"], tree(daemon) / "bare")):
        first = re.sub(r"(?s)^On the bus:\n|\n\nAs the SR-IOV.*", "", lspci(daemon, *options))
        dumps = {text.split()[0]: re.findall(r"^[0-9a-f]+: (.*)$", text, re.M)
                 for text in first.strip().split("\n\n")}
        assert list(dumps) == [PF, *VFS]
        for address, lines in dumps.items():
            space = (top / "bus/pci/devices" / address / "config").read_bytes()
            assert bytes.fromhex("".join(lines)) == space and len(space) == 4096
            assert space[:2] == (b"\xff\xff" if "bare" in top.name and address != PF
                                 else b"\x86\x80")


def test_attached_vf_has_a_driver(daemon):
    folder = devices(daemon) / VFS[2]
    assert not (folder / "driver").exists() and (folder / "enable").read_text() == "0\n"
    with Vf(daemon.socket(VFS[2])):
        assert (folder / "driver").resolve().name == "vfio-user"
        assert (tree(daemon) / "bus/pci/drivers/vfio-user" / VFS[2]).samefile(folder)
        assert (folder / "enable").read_text() == "1\n"
        assert "Kernel driver in use: vfio-user" in lspci(daemon, "-k", "-s", VFS[2])
        for name, text, error in (("config", b"\0", errno.EPERM), ("reset", "1", errno.EBUSY)):
            assert write(folder / name, text) == error
    wait_until(lambda: not (folder / "driver").exists(), 30, "the client's end")


def setpci(daemon, *words):
    return subprocess.run(["setpci", "-A", "linux-sysfs", "-O",
                           f"sysfs.path={tree(daemon)}/bus/pci", *words],
                          capture_output=True, text=True, timeout=20)


def test_setpci(daemon):
    assert setpci(daemon, "-s", VFS[3], "INTERRUPT_LINE=5a").stderr == ""
    assert setpci(daemon, "-s", VFS[3], "INTERRUPT_LINE").stdout == "5a\n"
    before = (devices(daemon) / PF / "config").read_bytes()
    # Command, a BAR, MSI-X, a function-level reset, VF Enable: not under the PF driver.
    for register in ("COMMAND=0", "14.L=0", "CAP11+2.w=0", "CAP10+8.w=8000", "ECAP10+8.w=0"):
        assert "Operation not permitted" in setpci(daemon, "-s", PF, register).stderr, register
    assert (devices(daemon) / PF / "config").read_bytes() == before
    assert setpci(daemon, "-s", PF, "COMMAND=0:0").stderr == "", "the same value takes nothing away"


# What a kernel's files say

def test_text(daemon):
    expected = {"vendor": "0x8086", "device": "0x10f8", "class": "0x020000", "revision": "0x01",
                "subsystem_vendor": "0x8086", "sriov_totalvfs": "63", "sriov_numvfs": "8",
                "sriov_offset": "128", "sriov_stride": "2", "sriov_vf_device": "10ed",
                "sriov_drivers_autoprobe": "1", "sriov_vf_total_msix": "0", "numa_node": "-1",
                "max_link_speed": "5.0 GT/s PCIe", "current_link_width": "8", "enable": "1",
                "reset_method": "flr", "ari_enabled": "0", "irq": "0"}
    folder = devices(daemon) / PF
    for name, text in expected.items():
        assert (folder / name).read_text() == f"{text}\n", name
    vf = devices(daemon) / VFS[0]
    assert (vf / "device").read_text() == "0x10ed\n"
    assert (vf / "physfn").samefile(folder) and (folder / "virtfn0").samefile(vf)
    assert not (vf / "sriov_numvfs").exists()
    lines = (folder / "resource").read_text().splitlines()
    assert len(lines) == 13 and all(re.fullmatch(r"(0x[0-9a-f]{16} ?){3}", line) for line in lines)
    assert lines[0].endswith("0x0000000000140204") and lines[7].split()[0] != "0x" + 16 * "0"
    mode = stat.S_IMODE((folder / "sriov_numvfs").stat().st_mode)
    assert mode == 0o644 and (folder / "config").stat().st_size == 4096


def test_reading_in_pieces(daemon):
    fd = os.open(devices(daemon) / PF / "config", os.O_RDONLY)
    whole = os.pread(fd, 8192, 0)
    assert len(whole) == 4096
    assert b"".join(os.pread(fd, 7, offset) for offset in range(0, 4096, 7)) == whole
    assert os.pread(fd, 100, 4090) == whole[4090:] and os.pread(fd, 1, 4096) == b""
    os.close(fd)
    fd = os.open(devices(daemon) / PF / "vendor", os.O_RDONLY)
    assert os.pread(fd, 3, 2) == b"808" and os.pread(fd, 3, 7) == b""
    os.close(fd)


def test_tree_cannot_be_changed(daemon):
    folder = devices(daemon) / PF
    for change, error in ((lambda: os.mkdir(folder / "x"), errno.EPERM),
                          (lambda: os.unlink(folder / "vendor"), errno.EPERM),
                          (lambda: os.open(folder / "x", os.O_CREAT | os.O_WRONLY), errno.EACCES),
                          (lambda: os.symlink("x", folder / "x"), errno.EPERM),
                          (lambda: os.rename(folder / "vendor", folder / "x"), errno.EPERM),
                          (lambda: os.open(folder / "vendor", os.O_WRONLY), errno.EACCES),
                          (lambda: os.open(folder / "reset", os.O_RDONLY), errno.EACCES),
                          (lambda: os.chmod(folder / "vendor", 0o666), errno.EPERM)):
        with pytest.raises(OSError) as refused:
            change()
        assert refused.value.errno == error


def test_too_many_open_directories(daemon):
    """Whoever keeps them open fills a limit, not the daemon's memory."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, before[1]), before[1]))
    fds = []

    def has_room():
        with contextlib.suppress(OSError):
            return len(os.listdir(devices(daemon))) == 9

    try:
        with pytest.raises(OSError) as refused:
            while len(fds) < 2000:
                fds.append(os.open(devices(daemon), os.O_RDONLY | os.O_DIRECTORY))
        assert refused.value.errno == errno.ENFILE and len(fds) > 500
        assert (devices(daemon) / PF / "vendor").read_text() == "0x8086\n"
    finally:
        for fd in fds:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    wait_until(has_room, 30, "room")


# sriov_numvfs

NUMVFS = [("", 0), ("\n", errno.EINVAL), ("x", errno.EINVAL), ("-1", errno.EINVAL),
          ("8 ", errno.EINVAL), (" 8", errno.EINVAL), ("8\n\n", errno.EINVAL), ("8x", errno.EINVAL),
          ("0x", errno.EINVAL), ("08", errno.EINVAL), ("1e1", errno.EINVAL), ("64", errno.ERANGE),
          ("65535", errno.ERANGE), ("65536", errno.EINVAL), ("9" * 30, errno.EINVAL),
          ("9" * 5000, errno.EINVAL), ("4", errno.EBUSY), ("63", errno.EBUSY), ("8", 0),
          ("8\n", 0), ("+8", 0), ("0x8", 0), ("010", 0), ("8\0nine", 0)]


@pytest.mark.parametrize("text, error", NUMVFS, ids=[repr(text)[:12] for text, _ in NUMVFS])
def test_numvfs_refusals(daemon, text, error):
    path = devices(daemon) / PF / "sriov_numvfs"
    assert write(path, text) == error
    assert path.read_text() == "8\n" and len(daemon.functions()) == 9


def test_numvfs(crew):
    daemon = started(crew)
    path = devices(daemon) / PF / "sriov_numvfs"

    def echo(number):
        return subprocess.run(f"/bin/echo {number} > {path}", shell=True, capture_output=True,
                              text=True, timeout=20)

    for number in (0, 8, 0, 63, 0, 1):
        assert echo(number).returncode == 0
        assert path.read_text() == f"{number}\n"
        assert len(os.listdir(devices(daemon))) == 1 + number == len(daemon.functions())
        assert len(list(path.parent.glob("virtfn*"))) == number
    done = echo(2)
    assert done.returncode and "Device or resource busy" in done.stderr
    with Vf(daemon.socket(VFS[0])) as vf:
        assert write(path, "0") == errno.EBUSY
        assert write(path, "1") == 0, "no change is none"
        assert vf.reg(0x8) is not None
    wait_until(lambda: write(path, "0") == 0, 30, "the client's end")
    assert "attached" in daemon.log.read_text()


# Anything written to anything

def junk(source):
    kind = source.randrange(4)
    if kind == 0:
        return source.randbytes(source.choice([0, 1, 2, 3, 4, 7, 16, 64, 255, 4095, 4096, 5000]))
    if kind == 1:
        return str(source.choice([0, 1, 2, 8, 62, 63, 64, 65, 2**16, 2**31, 2**64, -1])).encode()
    text = bytearray(source.choice([b"1\n", b"0\n", b"on", b"flr", b"0x8", b"63\n", b"add\n"]))
    if kind == 2:
        text[source.randrange(len(text))] = source.randrange(256)
    return bytes(text)


def fuzz(paths, seed, rounds):
    source, errors = random.Random(seed), set()
    for path in paths:
        for _ in range(rounds):
            offset = source.choice([0, 0, 1, 4, 63, 64, 4095, 4096, 4097, 2**31, 2**40,
                                    source.randrange(4096)])
            flags = source.choice([os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC])
            errors.add((path.name, write(path, junk(source), offset, flags)))
    return errors


def test_fuzzed_writes(crew):
    daemon = started(crew)
    paths = files(daemon)
    assert len(paths) > 400
    with Vf(daemon.socket(VFS[5])) as vf:
        before = (devices(daemon) / VFS[5] / "config").read_bytes()
        pf = (devices(daemon) / PF / "config").read_bytes()
        errors = fuzz(paths, 1, 20)
        bad = {(name, errno.errorcode.get(error, error)) for name, error in errors
               if error and error not in KERNEL_ERRORS}
        assert not bad
        assert {name for name, error in errors if not error} >= {"config", "sriov_numvfs", "rescan"}
        assert (devices(daemon) / VFS[5] / "config").read_bytes() == before
        assert (devices(daemon) / PF / "config").read_bytes()[4:6] == pf[4:6]
        assert daemon.function(VFS[5])["attached"] == os.getpid()
        assert vf.reg(0x8) is not None
    functions = daemon.functions()
    assert list(functions) == [PF, *VFS] and functions[PF]["numvfs"] == 8
    # Nobody holds a VF now: their number changes, and comes back.
    fuzz([devices(daemon) / PF / name for name in os.listdir(devices(daemon) / PF)
          if name not in ("driver", "subsystem") and not name.startswith("virtfn")], 2, 100)
    for number in (0, 8):
        assert write(devices(daemon) / PF / "sriov_numvfs", str(number)) == 0
    with Vf(daemon.socket(VFS[5])) as vf:
        assert vf.mac
    assert len(lspci(daemon).splitlines()) == 9
    assert daemon.stop() == 0


# Ends

def test_end_with_users_inside(crew):
    """Open files, a working directory: the daemon ends at once, and the next one has its tree."""
    daemon = started(crew)
    fd = os.open(devices(daemon) / PF / "config", os.O_RDWR)
    inside = subprocess.Popen(["sleep", "60"], cwd=(devices(daemon) / PF).resolve())
    try:
        assert daemon.stop() == 0
        assert not tree(daemon).exists()
        with pytest.raises(OSError) as dead:
            os.pread(fd, 4, 0)
        assert dead.value.errno in (errno.ENOTCONN, errno.ECONNABORTED)
        daemon.start()
        assert VF_LINE in wait_until(lambda: VF_LINE in lspci(daemon) and lspci(daemon), 30, "VFs")
    finally:
        with contextlib.suppress(OSError):
            os.close(fd)
        inside.kill()
        inside.wait()


def test_end_during_requests(crew):
    """Readers and writers at work get an error, not a daemon that hangs."""
    daemon = started(crew)
    path = devices(daemon) / PF
    busy = [subprocess.Popen(["sh", "-c", f"while cat {path}/config >/dev/null; do :; done"],
                             stderr=subprocess.DEVNULL),
            subprocess.Popen(["sh", "-c", f"while echo 0 >{path}/sriov_numvfs &&"
                              f" echo 8 >{path}/sriov_numvfs; do :; done"],
                             stderr=subprocess.DEVNULL)]
    try:
        wait_until(lambda: (path / "sriov_numvfs").read_text() == "0\n", 30, "the writer at work")
        assert daemon.stop() == 0
        for process in busy:
            process.wait(10)
    finally:
        for process in busy:
            process.kill()
            process.wait()


@pytest.mark.parametrize("used", [False, True], ids=["unused", "in use"])
def test_killed_and_restarted(crew, used):
    daemon = started(crew)
    daemon.kill()
    daemon.start()
    wait_until(lambda: VF_LINE in lspci(daemon), 30, "the second daemon's tree")
    fd = os.open(devices(daemon) / PF / "vendor", os.O_RDONLY) if used else None
    daemon.kill()
    with pytest.raises(OSError):
        os.listdir(tree(daemon))
    daemon.start()
    wait_until(lambda: VF_LINE in lspci(daemon), 30, "the new daemon's tree")
    if used:
        with pytest.raises(OSError):    # it is still the dead one's
            os.pread(fd, 4, 0)
        with contextlib.suppress(OSError):
            os.close(fd)
    assert daemon.stop(signal.SIGINT) == 0 and not tree(daemon).exists()


def test_unmounted_by_hand(crew):
    """Somebody takes the tree away, from under a user of it: nothing else changes."""
    daemon = started(crew)
    fd = os.open(devices(daemon) / PF / "vendor", os.O_RDONLY)
    assert subprocess.run(["umount", tree(daemon)], capture_output=True).returncode, "it is in use"
    subprocess.run(["umount", "--lazy", tree(daemon)], check=True)
    assert os.pread(fd, 10, 0) == b"0x8086\n", "who is inside stays inside"
    assert list(tree(daemon).iterdir()) == []
    rc, out, err = daemon.cli("lspci")
    assert rc == 1 and "no tree to read" in err and out == ""
    os.close(fd)
    with Vf(daemon.socket(VFS[0])) as vf:
        assert vf.mac
    assert daemon.stop() == 0 and not tree(daemon).exists()


# Where there is no tree

NO_FUSE = """d=$(mktemp -d) && mount -t tmpfs none "$d" && mkdir "$d/net" &&
for f in null urandom net/tun; do : > "$d/$f"; mount --bind "/dev/$f" "$d/$f" || exit; done
mount --move "$d" /dev && exec "$@"
"""


def test_without_fuse(crew):
    daemon = started(crew, under=["unshare", "--mount", "sh", "-ec", NO_FUSE, "sh"])
    assert "no sysfs tree" in daemon.log.read_text() and not tree(daemon).exists()
    rc, out, err = daemon.cli("lspci")
    assert rc == 1 and "/dev/fuse" in err and out == ""
    with Vf(daemon.socket(VFS[0])) as vf:
        assert vf.mac
    assert daemon.stop() == 0


def test_switched_off(crew):
    daemon = started(crew, f"sysfs: off\n{CARD}")
    assert not tree(daemon).exists() and "sysfs" not in daemon.log.read_text()


def test_something_in_the_way(crew):
    daemon = crew.daemon(CARD, start=False)
    daemon.run_dir.mkdir()
    tree(daemon).write_text("a file")
    daemon.start()
    assert "no sysfs tree" in daemon.log.read_text()
    assert daemon.stop() == 0 and tree(daemon).read_text() == "a file"


def test_daemon_without_root(crew):
    """Its tree is its own user's, where fusermount3 permits it at all."""
    daemon = crew.daemon(CARD, under=NOBODY, start=False)
    daemon.run_dir.mkdir()
    for path in (daemon.dir, daemon.run_dir):
        os.chown(path, 65534, 65534)
    daemon.start()
    daemon.socket(VFS[0])
    done = subprocess.run([*NOBODY, program("softiov"), "--socket", daemon.api, "lspci"],
                          capture_output=True, text=True, timeout=20)
    if "no sysfs tree" in daemon.log.read_text():
        assert done.returncode == 1 and "/dev/fuse" in done.stderr
    else:
        assert VF_LINE in done.stdout and done.stderr == ""
    assert daemon.stop() == 0 and not tree(daemon).exists()


def test_other_users(crew):
    """Everybody may look, as at a kernel's: beyond the header only root."""
    daemon = started(crew)
    daemon.dir.chmod(0o755)
    daemon.run_dir.chmod(0o755)
    path = devices(daemon) / VFS[0]

    def sh(line):
        return subprocess.run([*NOBODY, "sh", "-c", line], capture_output=True, timeout=20)

    assert len(sh(f"cat {path}/config").stdout) == 64
    assert sh(f"cat {path}/vendor").stdout == b"0x8086\n"
    for name in ("config", "sriov_numvfs", "reset"):
        assert b"ermission denied" in sh(f"echo 0 > {path}/{name}").stderr
    done = subprocess.run([*NOBODY, "lspci", "-A", "linux-sysfs", "-O",
                           f"sysfs.path={tree(daemon)}/bus/pci"],
                          capture_output=True, text=True, timeout=20)
    assert VF_LINE in done.stdout and done.stderr == ""


# Other cards

def test_vm_mode(crew):
    daemon = started(crew, "cards: [{ address: '0000:07', mode: vm }]\n", functions=1)
    folder = devices(daemon) / PF
    assert "82599" in lspci(daemon, "-vvv")
    assert not (folder / "driver").exists()
    assert (folder / "sriov_totalvfs").read_text() == "64\n"
    assert write(folder / "sriov_numvfs", "8") == errno.ENOENT
    assert write(folder / "config", b"\0", 0x3c) == errno.EPERM
    assert write(folder / "reset", "1") == errno.EBUSY
    log = daemon.log.read_text()
    assert "softiov card unplug 0000:07" in log and "sriov_numvfs: refused" in log
    # From one mode to the other the tree follows.
    assert daemon.cli("card", "unplug", "0000:07")[0] == 0
    wait_until(lambda: len(os.listdir(devices(daemon))) == 9, 30, "the VFs of host mode")
    assert (folder / "driver").resolve().name == "softiov-pf"
    assert daemon.cli("card", "plug", "0000:07")[0] == 0
    assert os.listdir(devices(daemon)) == [PF] and not (folder / "driver").exists()


def test_many_vfs(crew):
    """Two ports of four PFs with 64 VFs each, over three buses: every one is parsed."""
    port = "{ pfs: [" + ", ".join(4 * ["{ vfs: 64, netdev: none }"]) + "] }"
    config = f"cards: [{{ address: '0000:07', ports: [{port}, {port}] }}]\n"
    daemon = started(crew, config, functions=520)
    shown = lspci(daemon, "-D", "-vvv").strip().split("\n\n")
    assert [text.split()[0] for text in shown] == sorted(daemon.functions())
    assert {text.split()[0].split(":")[1] for text in shown} == {"07", "08", "09"}
    assert all("[size=16K]" in text and "Capabilities: [a0] Express" in text for text in shown)
