# SPDX-License-Identifier: BSD-3-Clause
"""
The library through Linux VFIO: in a guest with an IOMMU, the VF bound to vfio-pci, vfping exchanges
frames with another VF that the library drives on the host. Each test finds the VF bound as the one
before left it: first to ixgbevf, then to vfio-pci, at the end to ixgbevf again.
"""

import json
import re

import pytest

from lab import program, wait_until

GUEST_VF, HOST_VF = "0000:07:10.0", "0000:07:10.2"
FRAMES = 3000
MEMORY = 384 << 20
SATA = "0000:00:1f.2"       # of the machine q35: a PCI function of another kind, without a driver


@pytest.fixture(scope="module")
def crewed(module_crew):
    """A daemon and a guest with an IOMMU; guest.function is its VF's address there."""
    daemon = module_crew.daemon('cards: [{ address: "0000:07" }]\n')
    guest = module_crew.guest("a", vfs=[daemon.socket(GUEST_VF)], iommu=True,
                              mem=f"{MEMORY >> 20}M", files=[program("vfping")],
                              modules="ixgbevf,vfio_iommu_type1,vfio-pci")
    guest.wait_ready()
    guest.interface()
    (_, guest.function, _), = guest.interfaces("ixgbevf")
    return daemon, guest


@pytest.fixture(scope="module")
def bound(crewed):
    """The guest's VF bound to vfio-pci, as vfping says that one does it."""
    _, guest = crewed
    words = guest.run(f"vfping vfio:{guest.function} echo").stderr
    how = re.search(r"bind vfio-pci: (.*drivers_probe)$", words)[1]
    guest.sh(how.replace("; ", " && "))
    yield crewed


@pytest.fixture(params=["-p", ""], ids=["poll", "napi"])
def echo(request, crewed):
    """The host's VF sends back what it gets; echo.mac is its address, echo.option the mode."""
    daemon, _ = crewed
    command = daemon.net.start_bg(f"exec {program('vfping')} {request.param} -l 9000 "
                                  f"unix:{daemon.socket(HOST_VF)} echo").wait_for("ready")
    command.mac, command.option = command.stdout.split()[1], request.param
    yield command
    command.stop()


@pytest.fixture
def send(bound, echo):
    """send(count, option) starts vfping in the guest, which has the VF at vfio-pci."""
    _, guest = bound
    started = []

    def start(count=FRAMES, option=""):
        started.append(guest.start_bg(f"exec vfping {echo.option} {option} vfio:{guest.function} "
                                      f"send {echo.mac} {count}").wait_for("ready"))
        return started[-1]

    yield start
    for command in started:
        if command.running():
            command.stop()


def report(command, timeout=120):
    result = command.wait(timeout)
    assert result.rc == 0, result
    return json.loads(result.stdout.splitlines()[-1])


def refused(guest, address, name, *words):
    """vfping in the guest ends with this error."""
    result = guest.run(f"vfping {address} echo")
    assert result.rc == 1 and result.stderr.startswith(f"vfping: {name}: "), result
    assert len(result.stderr.splitlines()) == 1
    for word in words:
        assert word in result.stderr


# Bound to ixgbevf

def test_bound_to_another_driver(crewed):
    _, guest = crewed
    refused(guest, f"vfio:{guest.function}", "SOFTIOV_ERR_OWNED", guest.function,
            "driver ixgbevf has it", "driver_override")


def test_not_there(crewed):
    _, guest = crewed
    refused(guest, "vfio:0000:7f:1f.7", "SOFTIOV_ERR_NOT_FOUND", "0000:7f:1f.7")
    refused(guest, "vfio:eth0", "SOFTIOV_ERR_ADDRESS", "eth0")


def test_without_a_driver(crewed):
    _, guest = crewed
    refused(guest, f"vfio:{SATA}", "ENXIO", SATA, "no driver", "driver_override")


def test_not_a_vf(crewed):
    _, guest = crewed
    guest.sh(f"echo vfio-pci >/sys/bus/pci/devices/{SATA}/driver_override")
    guest.sh(f"echo {SATA} >/sys/bus/pci/drivers_probe")
    refused(guest, f"vfio:{SATA}", "SOFTIOV_ERR_NOT_VF", SATA)


# Bound to vfio-pci

def test_frames_there_and_back(bound, echo, send):
    daemon, guest = bound
    before = daemon.functions()
    seen = report(send())
    after = daemon.functions()
    assert seen["sent"] == seen["received"] == FRAMES and seen["wrong"] == 0
    for function in (GUEST_VF, HOST_VF):
        for count in ("rx_packets", "tx_packets"):
            assert (after[function]["stats"][count] - before[function]["stats"][count]) >= FRAMES
        assert after[function]["dma"]["faults"] == 0
    if not echo.option:
        napi = seen["napi"]
        assert napi["interrupts"] > 0 and napi["rearms"] > 0 and napi["polls"] >= napi["rearms"]
        assert napi["frames"] >= FRAMES


@pytest.mark.parametrize("option", ["-b 1", "-b 1 -w 1", "-l 18", "-l 1514", "-l 9000", "-H"])
def test_budget_and_length(echo, send, option):
    seen = report(send(FRAMES // 3, option))
    assert seen["received"] == FRAMES // 3 and seen["wrong"] == 0
    if "-b 1" in option and not echo.option:
        assert seen["napi"]["budget_spent"] >= FRAMES // 3
        assert seen["napi"]["polls"] >= FRAMES // 3


def test_port_vlan(bound, send):
    """The tag that the PF driver adds for a VF it also removes."""
    daemon, _ = bound
    resets = daemon.function(HOST_VF)["mailbox"]["resets"]

    def started_anew():
        mailbox = daemon.function(HOST_VF)["mailbox"]
        return mailbox["resets"] > resets and mailbox["clear_to_send"]

    try:
        for vf in (0, 1):
            daemon.vf_set("0000:07:00.0", "vf", vf, "vlan", 100)
        wait_until(started_anew, 30, "the echo's VF to start anew")
        seen = report(send())
        assert seen["received"] == FRAMES and seen["wrong"] == 0
    finally:
        for vf in (0, 1):
            daemon.vf_set("0000:07:00.0", "vf", vf, "vlan", 0)


def test_only_the_pool_is_mapped(bound, send):
    daemon, guest = bound
    free = daemon.function(GUEST_VF)["dma"]
    sender = send(10000000)
    vf = daemon.function(GUEST_VF)
    assert vf["attached"] == guest.process.pid
    assert 1 << 20 <= vf["dma"]["bytes"] < MEMORY // 4, "not all of the guest's memory"
    assert vf["dma"]["regions"] > free["regions"] and vf["dma"]["leaves_4k"] > 100
    assert re.search(rf"DMA: {vf['dma']['regions']} maps", daemon.cli("show")[1])
    assert sender.running()
    sender.stop()
    after = wait_until(lambda: daemon.function(GUEST_VF)["dma"], 30)
    assert after["bytes"] == free["bytes"] and after["faults"] == 0


def test_second_opener(bound, send):
    _, guest = bound
    sender = send(10000000)
    refused(guest, f"vfio:{guest.function}", "SOFTIOV_ERR_OWNED", "its IOMMU group is in use")
    assert sender.running()
    sender.stop()
    assert report(send())["received"] == FRAMES


def test_permission_and_locked_memory(bound, echo):
    _, guest = bound
    guest.sh("grep -q ^user: /etc/passwd || echo user:x:1000:1000::/:/bin/sh >>/etc/passwd")
    node = guest.sh(f"basename $(readlink /sys/bus/pci/devices/{guest.function}/iommu_group)")
    node = f"/dev/vfio/{node.strip()}"
    user = (f"su user -c '/usr/bin/vfping {echo.option} vfio:{guest.function} "
            f"send {echo.mac} {FRAMES}'")
    try:
        result = guest.run(user)
        assert result.rc == 1 and result.stderr.startswith("vfping: EACCES: ")
        assert f"no permission to open {node}" in result.stderr
        guest.sh(f"chown user {node}")
        result = guest.run(f"ulimit -l 64; {user}")
        assert result.rc == 1 and result.stderr.startswith("vfping: SOFTIOV_ERR_NO_MEMORY: ")
        assert "the limit of locked memory is 64 KiB" in result.stderr
        assert guest.run(f"ulimit -l 65536; {user}").rc == 0
    finally:
        guest.sh(f"chown root {node}")


def test_no_other_function_of_the_group_may_be_in_use(bound):
    _, guest = bound
    groups = guest.sh("ls -d /sys/kernel/iommu_groups/*/devices/*").split()
    group = next(path.split("/")[4] for path in groups if path.endswith(guest.function))
    assert [path.split("/")[6] for path in groups
            if path.split("/")[4] == group] == [guest.function], "the guest's VF is alone"


def test_taken_away(bound, send):
    """Unbinding asks the program to let go, and waits until it does."""
    daemon, guest = bound
    sender = send(10000000)
    guest.sh(f"echo {guest.function} >/sys/bus/pci/drivers/vfio-pci/unbind")
    result = sender.wait()
    assert result.rc == 1 and "vfping: SOFTIOV_ERR_GONE: " in result.stderr
    refused(guest, f"vfio:{guest.function}", "ENXIO", "no driver")
    guest.sh(f"echo {guest.function} >/sys/bus/pci/drivers_probe")
    assert report(send())["received"] == FRAMES
    assert daemon.function(GUEST_VF)["dma"]["faults"] == 0


# Bound to ixgbevf again

def test_back_to_the_stock_driver(bound):
    daemon, guest = bound
    device = f"/sys/bus/pci/devices/{guest.function}"
    guest.sh(f"echo ixgbevf >{device}/driver_override && "
             f"echo {guest.function} >{device}/driver/unbind && "
             f"echo {guest.function} >/sys/bus/pci/drivers_probe")
    daemon.net.up("sv0", "10.0.0.100/24")
    guest.up(guest.interface(), "10.0.0.1/24")
    assert guest.ping("10.0.0.100", 5)["loss"] == 0
    assert daemon.function(GUEST_VF)["dma"]["faults"] == 0
    assert not re.search(r"DMAR:.*fault|vfio.*(error|fail)|WARNING:|BUG:|Call Trace",
                         guest.dmesg(), re.I)
