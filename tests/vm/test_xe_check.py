# SPDX-License-Identifier: BSD-3-Clause
"""
`softiov check` on this machine, about captured machines and about files of real guests;
softiov-guest-check in a real guest, where what it says to do is done and helps.
"""
import gzip
import json
import subprocess
import sys

import pytest

from lab import REPO, program, tool, wait_until

sys.path.insert(0, str(REPO / "tests/check"))
from machines import CASES, EXIT, build  # noqa: E402

SCRIPT = REPO / "data/guest-check/softiov-guest-check"


def check(*args):
    return subprocess.run([program("softiov"), "check", *map(str, args)], capture_output=True,
                          text=True, timeout=120, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def test_captured_machine(case, tmp_path):
    name, vmm, hardware, softiov, row, state, words = case
    done = check("--root", build(name, tmp_path), *(["--vmm", vmm] if vmm else []))
    assert done.returncode == EXIT[hardware if vmm else softiov] and done.stderr == ""
    questions = [line for line in done.stdout.splitlines() if line.startswith("Can this machine")]
    assert [line.split("? ")[1] for line in questions] == [hardware, softiov]
    assert words in done.stdout


def test_this_machine(tmp_path):
    done = check()
    assert done.returncode in (0, 1, 3) and done.stderr == ""
    assert check("--capture", tmp_path / "captured").returncode == 0
    assert check("--root", tmp_path / "captured").stdout == done.stdout


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """An Intel server with an 82599."""
    return build("intel-ready", tmp_path_factory.mktemp("server"))


def guest_driver(server, path):
    done = check("--root", server, "--guest", path, "--json")
    assert done.stderr == ""
    row, = [row for row in json.loads(done.stdout)["softiov"]["rows"]
            if row["id"] == "guest-driver"]
    return done.returncode, row["found"]


def test_files_of_real_guests(server, tmp_path):
    """Debian's kernel: the lab's initramfs, plain and compressed, the package, its image."""
    initramfs = tool("initramfs")
    status, found = guest_driver(server, initramfs)
    assert status == 0 and "ixgbevf" in found and "igbvf" in found
    compressed = tmp_path / "initrd.gz"
    with open(initramfs, "rb") as plain:
        compressed.write_bytes(gzip.compress(plain.read(), 1))
    assert guest_driver(server, compressed) == (status, found)
    lab = tool("prepare", "--where").splitlines()[-1]
    status, found = guest_driver(server, f"{lab}/root")
    assert status == 0
    for driver in ("ixgbevf", "igbvf", "iavf", "mlx5_core", "bnxt_en"):
        assert driver in found
    status, found = guest_driver(server, tool("qemu", "--kernel"))
    assert status == 3 and "a kernel image" in found


def test_a_vm_of_the_inventory(server, crew):
    daemon = crew.daemon("cards: [{ address: '0000:07' }]\n")
    assert daemon.cli("vm", "define", "web", "--kernel", tool("qemu", "--kernel"),
                      "--initrd", tool("initramfs"))[0] == 0
    rc, out, err = daemon.cli("check", "--root", server, "--guest", "web")
    assert (rc, err) == (0, "") and "initramfs with ixgbevf" in out
    rc, out, err = daemon.cli("check", "--root", server, "--guest", "nobody")
    assert (rc, err) == (3, "") and "no VM of this name" in out


# Copies what the check reads; sizes of files in /sys are not to be believed, so no tar of them.
COPY = """
cd /; mkdir -p /tmp/root
for f in proc/cmdline proc/cpuinfo proc/meminfo sys/firmware/acpi/tables/DMAR; do
    mkdir -p /tmp/root/${f%/*}; cat $f >/tmp/root/$f
done
mkdir -p /tmp/root/sys/class/iommu
for g in sys/kernel/iommu_groups/* sys/class/iommu/*; do mkdir -p /tmp/root/$g; done
for d in sys/bus/pci/devices/*; do
    mkdir -p /tmp/root/$d
    for f in vendor device class config resource sriov_totalvfs sriov_numvfs sriov_vf_device; do
        [ ! -e $d/$f ] || cat $d/$f >/tmp/root/$d/$f
    done
    [ ! -e $d/driver ] || ln -s $(readlink $d/driver) /tmp/root/$d/driver
    [ ! -e $d/physfn ] || ln -s $(readlink $d/physfn) /tmp/root/$d/physfn
done
tar -C /tmp/root -cf /tmp/root.tar .
"""


def test_machine_with_sriov(crew, tmp_path):
    """The files of a real Linux with an IOMMU and an SR-IOV adapter, without and with VFs."""
    guest = crew.guest("sriov", modules="igb", iommu=True,
                       extra_args=["-device", "igb,bus=rp0,romfile="])
    guest.wait_ready()
    (_, address, _), = guest.interfaces("igb")
    device = f"/sys/bus/pci/devices/{address}"
    port = guest.sh(f"basename $(dirname $(readlink -f {device}))").strip()
    for numvfs in (0, 2):
        guest.sh(f"echo {numvfs} > {device}/sriov_numvfs; rm -rf /tmp/root")
        guest.sh(COPY)
        root = tmp_path / str(numvfs)
        build("facts-only", root)
        subprocess.run(["tar", "-C", root, "-xf", "-"], input=guest.pull("/tmp/root.tar"),
                       check=True)
        done = check("--root", root, "--vmm", "kvm", "--json")
        assert done.stderr == ""
        rows = {row["id"]: row for row in json.loads(done.stdout)["hardware"]["rows"]}
        assert rows["iommu-table"]["found"].startswith("DMAR with 1 DRHD structure")
        assert rows["iommu-groups"]["state"] == "ok"
        found = f"8086:10c9, TotalVFs 7, NumVFs {numvfs}, driver igb"
        assert rows["adapter"] == {**rows["adapter"], "object": address, "found": found,
                                   "state": "ok"}
        assert rows["vf-bars"]["found"].endswith("for all VFs, assigned")
        assert rows["ari"]["found"] == f"adapter: yes; forwarding of port {port}: yes, on"
        assert rows["vmm"]["state"] == "ok"


class GuestCheck:
    """The script in a guest, by both of its shells; they must agree."""

    def __init__(self, guest):
        self.guest = guest

    def __call__(self):
        answers = []
        for shell in ("sh", "busybox sh"):
            text = self.guest.run(f"{shell} /usr/bin/softiov-guest-check")
            data = self.guest.run(f"{shell} /usr/bin/softiov-guest-check --json")
            assert text.stderr == data.stderr == "" and text.rc == data.rc
            answers.append((text.rc, text.stdout, json.loads(data.stdout)))
        assert answers[0] == answers[1]
        status, text, data = answers[0]
        assert data["exit"] == status
        return status, text, data["vfs"]

    def settle(self, words, what):
        """Wait until the script's answer has these words: drivers take a while to notice."""
        wait_until(lambda: words in self.guest.run("softiov-guest-check").stdout, 20, what, 0.5)
        return self()

    def problem(self, *words):
        """It has this problem; returns what to do about it."""
        status, text, vfs = self()
        assert status == 1, text
        for word in words:
            assert word in text
        return vfs[0]["todo"]


def test_guest_check(crew):
    daemon = crew.daemon("cards: [{ address: '0000:07' }]\n")
    guest = crew.guest("checked", vfs=[daemon.socket("0000:07:10.0")], files=[SCRIPT])
    guest.wait_ready()
    run = GuestCheck(guest)
    nic = guest.interface()

    guest.sh(run.problem(f"{nic} is down"))
    status, text, (vf,) = run.settle("fine", "a VF that is fine")
    assert status == 0
    assert vf["driver"] == vf["needs"] == "ixgbevf" and vf["id"] == "8086:10ed"
    assert vf["mac"] == daemon.function("0000:07:10.0")["mac"] and vf["mtu"] == 1500
    assert vf["link"] is True and f"{nic}: up, link up, MAC {vf['mac']}, MTU 1500" in text

    assert daemon.cli("vf", "set", "0000:07:10.0", "state", "disable")[0] == 0
    run.settle("no link", "a VF without link")
    assert "softiov vf set VF state auto" in run.problem("no link")
    assert daemon.cli("vf", "set", "0000:07:10.0", "state", "auto")[0] == 0
    assert run.settle("fine", "a link again")[0] == 0

    guest.sh(f"echo {vf['address']} > /sys/bus/pci/drivers/ixgbevf/unbind")
    todo = run.problem("no driver", "(driver: none)")
    guest.sh(todo.split(";")[0])
    guest.sh(run.problem(f"{guest.interface()} is down"))
    assert run.settle("fine", "a driver again")[0] == 0

    guest.sh("rmmod ixgbevf")
    todo = run.problem("no driver")
    assert todo == "modprobe ixgbevf"
    guest.sh("mv /usr/lib/modules/*/modules.dep /tmp/; "
             "sed '/ixgbevf.ko:/d' /tmp/modules.dep > /usr/lib/modules/$(uname -r)/modules.dep")
    run.problem("this kernel has no module ixgbevf")
    guest.sh("mv /tmp/modules.dep /usr/lib/modules/$(uname -r)/")
    guest.sh(todo)
    guest.sh(run.problem(f"{guest.interface()} is down"))
    assert run.settle("fine", "the module again")[0] == 0

    guest.sh(f"echo 1 > /sys/bus/pci/devices/{vf['address']}/remove")
    status, text, vfs = run()
    assert (status, vfs) == (3, []) and "no VF here" in text and "what to do" in text
