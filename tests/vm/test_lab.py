# SPDX-License-Identifier: BSD-3-Clause
"""
The lab itself, tried without softiov: guests boot, obey and talk over a pair of cards of QEMU's
own.
"""

import os
import re
import time
from pathlib import Path

import pytest

from lab import LabError, iperf3, tool, traffic


SOURCE = "02:00:00:00:00:99"


def test_results_are_exact(wired):
    assert wired.a.run("printf out; printf err >&2; exit 7") == (7, "out", "err")
    assert wired.a.run("kill -9 $$").rc == 137
    assert wired.a.run("no-such-program").rc == 127
    with pytest.raises(LabError, match="more than"):
        wired.a.run("sleep 20", timeout=0.5)


def test_many_commands_at_once(wired):
    commands = [wired.a.start_bg(f"sleep 0.5; seq {n} 5000; exit {n}") for n in range(30)]
    for n, command in enumerate(commands):
        result = command.wait()
        assert result.rc == n
        assert result.stdout == "".join(f"{i}\n" for i in range(n, 5001))


def test_files_cross_whole(wired):
    data = os.urandom(1 << 20)
    wired.a.push("/tmp/data", data)
    assert wired.a.pull("/tmp/data") == data


def test_ping_and_iperf3(wired):
    assert wired.a.ping(wired.b.address, 5)["loss"] == 0
    assert iperf3(wired.b, wired.a, wired.b.address, 2)["mbits"] > 20
    assert wired.a.ethtool_stats(wired.a.nic)["tx_packets"] > 1000
    assert wired.a.link_stats(wired.a.nic)["tx_packets"] > 1000
    assert sum(wired.a.interrupts(wired.a.nic).values()) > 100


def test_hashed_streams(wired):
    rc, report = traffic(wired.a, wired.b,
                         f"hash-send tcp {wired.b.address} 7000 5000000", "hash-recv tcp 7000")
    assert rc == 0 and report["complete"] and report["bytes"] == 5000000
    rc, report = traffic(wired.a, wired.b,
                         f"hash-send udp {wired.b.address} 7000 1000000 200", "hash-recv udp 7000")
    assert rc == 0 and report["corrupt"] == 0 and report["received"] > 0


def test_numbered_datagrams(wired):
    rc, report = traffic(wired.a, wired.b,
                         f"paced-send {wired.b.address} 7000 500 1000", "paced-recv 7000")
    assert rc == 0 and report["sent"] == 1000 and report["duplicates"] == 0
    assert report["received"] + report["missing"] == 1000


def test_raw_frames(wired):
    mac = wired.b.mac(wired.b.nic)
    for tags in ("vlan=0", "vlan=42", "vlan=42,svlan=77"):
        sent = tags.replace("vlan=0", "").replace(",", " ")
        _, report = traffic(
            wired.a, wired.b,
            f"raw-send {wired.a.nic} dst={mac} src={SOURCE} {sent} size=200 count=50 mark=5",
            f"raw-recv {wired.b.nic} src={SOURCE},mark=5,size=200,until=50,promisc=1,{tags} 10")
        assert (report["matched"], report["altered"]) == (50, 0), (tags, report)


def test_registers_of_a_bound_device(wired):
    (_, address, driver), = wired.a.interfaces()
    assert driver == "igb"
    status = int(wired.a.sh(f"traffic peek {address} 0 0x8"), 0)
    assert status & 2, "link up in STATUS"
    wired.a.sh(f"traffic poke {address} 0 0x5b50 0x12345678")      # SWSM's neighbourhood: harmless


def test_reboot_and_power_off(crew):
    guest = crew.guest("r", modules="")
    guest.wait_ready()
    boot_id = guest.sh("cat /proc/sys/kernel/random/boot_id")
    sleeper = guest.start_bg("sleep 100")
    guest.reboot()
    assert sleeper.wait(1).rc is None, "lost with the reboot"
    assert guest.sh("cat /proc/sys/kernel/random/boot_id") != boot_id
    guest.qmp("system_reset")
    time.sleep(0.5)
    guest.wait_ready()
    assert guest.poweroff() == 0


def test_newer_kernel(crew):
    guest = crew.guest("n", modules="vmd,ixgbe,ixgbevf", kernel="backports")
    guest.wait_ready()
    release = guest.sh("uname -r").strip()
    assert release == tool("qemu", "--kernel", kernel="backports").split("/")[-2]
    assert release != Path(tool("qemu", "--kernel", kernel="stable")).name.split("-", 1)[1]
    for name in ("vmd", "ixgbe", "ixgbevf"):
        assert re.search(rf"^{name} ", guest.sh("lsmod"), re.M)


def test_kill(crew):
    guest = crew.guest("k", modules="")
    guest.wait_ready()
    guest.kill()
    assert not guest.alive()


def test_iommu(crew):
    guest = crew.guest("i", modules="igb,vfio-pci,vfio_iommu_type1", iommu=True,
                       extra_args=["-device", "igb,bus=rp0,romfile="])
    guest.wait_ready()
    (_, address, _), = guest.interfaces("igb")
    group = guest.sh(f"readlink /sys/bus/pci/devices/{address}/iommu_group").strip()
    assert re.fullmatch(r".*/iommu_groups/\d+", group)
    assert "vfio_pci" in guest.sh("lsmod")


def test_firmware(crew):
    guest = crew.guest("f", modules="", firmware="ovmf")
    guest.wait_ready(90)
    assert guest.run("[ -d /sys/firmware/efi ]").rc == 0


def test_modules(wired):
    names = ("ixgbe ixgbevf vfio-pci vfio_iommu_type1 vxlan 8021q bridge veth macvlan macvtap tun "
             "bonding dummy igbvf e1000 e1000e virtio_net pci-pf-stub vmd uio_pci_generic sctp")
    for name in names.split():
        wired.b.sh(f"modprobe {name}")
    wired.b.sh("tc qdisc add dev lo root handle 1: htb && tc qdisc del dev lo root")


def test_tools(wired):
    wired.b.sh("lspci -nnvv && lspci -t && bridge link && tcpdump --version")
    wired.b.sh(f"ethtool -i {wired.b.nic}")
    assert "Intel Corporation" in wired.b.sh("lspci")


def test_namespaces_of_the_host(crew):
    a, b = crew.namespace("one"), crew.namespace("two")
    a.sh("ip link add v0 type veth peer name v1")
    b.take("v1", a)
    b.sh("ip addr add 10.1.0.2/24 dev v1 && ip link set v1 up")
    a.up("v0", "10.1.0.1/24")
    assert a.ping("10.1.0.2")["loss"] == 0
    assert iperf3(b, a, "10.1.0.2", 1)["mbits"] > 100
    rc, report = traffic(a, b, "paced-send 10.1.0.2 7000 500 200", "paced-recv 7000")
    assert rc == 0 and report["received"] == 200
