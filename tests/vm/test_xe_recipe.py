# SPDX-License-Identifier: BSD-3-Clause
"""
The four steps by which a VM gets a VF on XenServer, word for word: a shell on the host, lspci,
xe vm-param-set, xe vm-start; then what the guest says. The guests' console is all there is to look
inside: `xe console`.
"""

import os
import pty
import re
import select
import subprocess
import termios
import time
from types import SimpleNamespace

import pytest

from lab import program, tool, wait_until
from xe import Console, Xe, config, running

LSPCI = ("07:10.0 Ethernet controller: Intel Corporation 82599 Ethernet Controller Virtual "
         "Function (rev 01)")
VFS = ("0000:07:10.0", "0000:07:10.2")
INIT = """\
#!/bin/sh
export PATH=/usr/sbin:/usr/bin HOME=/ PS1='guest# '
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
ip link set lo up
echo guest is up
while :; do setsid dash -c 'exec dash -i </dev/ttyS0 >/dev/ttyS0 2>&1'; done
"""


@pytest.fixture(scope="module")
def recipe(module_crew, tmp_path_factory):
    """A host with a card; what VMs boot; a shell in which the words are xe, softiov."""
    folder = tmp_path_factory.mktemp("recipe")
    daemon = module_crew.daemon(config())
    daemon.socket(VFS[1])
    init = folder / "shell"
    init.write_text(INIT)
    init.chmod(0o755)
    initrd = tool("initramfs", "-o", str(folder / "initrd"), f"{init}:shell")
    for name in ("xe", "softiov"):
        wrapper = folder / name
        wrapper.write_text(f"#!/bin/bash\nexec -a {name} {program('softiov')} "
                           f"--socket {daemon.api} \"$@\"\n")
        wrapper.chmod(0o755)

    def shell(line):
        done = subprocess.run(["bash", "-c", f"PATH={folder}:$PATH; {line}"], text=True,
                              capture_output=True, timeout=120)
        assert (done.returncode, done.stderr) == (0, ""), (line, done)
        return done.stdout

    return SimpleNamespace(daemon=daemon, xe=Xe(daemon), shell=shell, initrd=initrd,
                           kernel=tool("qemu", "--kernel"))


def install(recipe, name):
    """Before step 1: a VM."""
    uuid = recipe.shell(f"xe vm-install new-name-label={name} memory=256MiB "
                        f"PV-kernel={recipe.kernel} PV-ramdisk={recipe.initrd} "
                        "PV-args='console=ttyS0 rdinit=/shell no_timer_check quiet'").strip()
    assert recipe.shell(f"xe vm-list name-label={name} --minimal").strip() == uuid
    return uuid


@pytest.fixture(scope="module")
def guests(recipe):
    """Two VMs with a VF each, by the recipe."""
    uuids = [install(recipe, name) for name in "ab"]

    # Step 1, a shell on the host, is recipe.shell. Step 2: which functions are there?
    assert LSPCI in recipe.shell("softiov lspci").splitlines()

    # Step 3: assign, which names the function as lspci does, with its domain.
    for uuid, function in zip(uuids, VFS):
        assert recipe.shell(f"xe vm-param-set other-config:pci=0/{function} uuid={uuid}") == ""

    # Step 4: start.
    consoles = []
    with running(recipe.xe):
        try:
            assert recipe.shell(f"xe vm-start uuid={uuids[0]}") == ""
            assert recipe.shell("xe vm-start vm=b") == ""
            for number, name in enumerate("ab", 1):
                console = Console(recipe.xe, f"vm={name}")
                consoles.append(console)
                console.login("guest# ")
                console.uuid, console.function = uuids[number - 1], VFS[number - 1]
                console.address = f"10.0.0.{number}"
            yield consoles
        finally:
            for console in consoles:
                console.close()
            for uuid in uuids:
                recipe.xe.run("vm-uninstall", f"uuid={uuid}", "--force")


def test_recipe(recipe, guests):
    for guest in guests:
        assert "10ed" in guest.sh("lspci -n -d 8086:10ed")
        guest.sh("modprobe ixgbevf")
        guest.sh("ip link show eth0")
        assert "driver: ixgbevf\n" in guest.sh("ethtool -i eth0")
        mac = recipe.shell(f"xe pci-list pci-id={guest.function} params=MAC --minimal").strip()
        assert guest.sh("cat /sys/class/net/eth0/address").strip() == mac
        guest.sh(f"ip address add {guest.address}/24 dev eth0 && ip link set eth0 up")
    for guest in guests:
        wait_until(lambda: guest.sh("cat /sys/class/net/eth0/carrier").strip() == "1", 20,
                   "link", 0.5)
    for one, other in (guests, guests[::-1]):
        assert " 0% packet loss" in one.sh(f"ping -c 5 -i 0.2 -W 5 {other.address}")


def test_what_the_host_sees(recipe, guests):
    functions = recipe.daemon.functions()
    for guest in guests:
        shown = recipe.xe("vm-param-list", f"uuid={guest.uuid}")
        assert "power-state ( RO): running\n" in shown
        pid = re.search(r"dom-id \( RO\): (\d+)", shown)[1]
        assert functions[guest.function]["attached"] == int(pid)
        assert functions[guest.function]["stats"]["tx_packets"] > 5
        assert recipe.shell(f"xe pci-list vm-uuid={guest.uuid} params=pci-id --minimal") == (
            guest.function + "\n")


def test_plug_and_unplug(recipe, guests):
    """A third function comes while the guest runs. This QEMU would not survive its going."""
    assert recipe.shell("softiov vm plug a 0000:07:10.4") == ""
    wait_until(lambda: "eth1" in guests[0].sh("ls /sys/class/net"), 20, "hot plug", 0.5)
    assert recipe.xe("vm-param-get", f"uuid={guests[0].uuid}", "param-name=other-config",
                     "param-key=pci") == f"0/{VFS[0]},1/0000:07:10.4"
    if re.search(r"qemu_version: 11\.1\.", recipe.xe("host-list", "params=software-version")):
        rc, _, err = recipe.daemon.cli("vm", "unplug", "a", "0000:07:10.4")
        assert rc == 1 and "11.1" in err and "abort" in err
    rc, _, err = recipe.daemon.cli("vm", "move", "b", "0000:07:10.4")
    assert rc == 1 and "VM a is running" in err
    assert " 0% packet loss" in guests[0].sh(f"ping -c 3 -i 0.2 -W 5 {guests[1].address}")


def test_console_at_a_terminal(recipe, guests):
    """Keys go to the guest, Ctrl-C too; Ctrl-] does not and gives the terminal back as it was."""
    guest = guests[1]
    guest.close()
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    process = recipe.xe.start("console", "vm=b", stdin=theirs, stdout=theirs, stderr=theirs)
    try:
        shown = b""
        os.write(ours, b"sleep 1000\r")
        end = time.monotonic() + 30
        while b"guest# " not in shown.split(b"^C")[-1] or b"^C" not in shown:
            os.write(ours, b"\x03")
            assert time.monotonic() < end, shown
            if select.select([ours], [], [], 1)[0]:
                shown += os.read(ours, 4096)
        assert process.poll() is None
        assert termios.tcgetattr(theirs) != before
        os.write(ours, b"\x1d")
        assert process.wait(10) == 0
        assert termios.tcgetattr(theirs) == before
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)
    guests[1] = fresh = Console(recipe.xe, "vm=b")
    fresh.uuid, fresh.address, fresh.function = guest.uuid, guest.address, guest.function
    fresh.login("guest# ")


def test_end(recipe, guests):
    """A guest that powers off is halted; its function is free for another, its console ends."""
    a, b = guests
    a.type("poweroff -f")
    wait_until(lambda: recipe.xe("vm-list", "power-state=halted", "--minimal") == a.uuid, 30,
               "power-off", 0.2)
    assert a.process.wait(10) == 0
    assert recipe.daemon.function(a.function)["attached"] is None
    assert recipe.shell("softiov vm detach a 0000:07:10.4") == ""
    assert recipe.shell("xe vm-shutdown vm=b --force") == ""
    assert recipe.shell(f"softiov vm move b {a.function}") == ""
    assert recipe.xe("vm-param-get", f"uuid={b.uuid}", "param-name=other-config",
                     "param-key=pci") == f"0/{b.function},1/{a.function}"
    assert recipe.xe("pci-list", f"vm-uuid={a.uuid}", "--minimal") == ""
