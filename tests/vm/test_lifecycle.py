# SPDX-License-Identifier: BSD-3-Clause
"""Drivers, guests and whole VMs come and go; who stays sees nothing of it."""

import re
import time

import pytest

from lab import Guest, LabError, wait_until

TRAPPED = "0000:07:10.6"
PAIR_CONFIG = """\
cards:
  - address: "0000:07"
    ports:
      - pfs:
          - vfs: 8
            vf:
              3: { registers: trapped }
"""


def assert_talking(pair):
    assert pair.a.ping(pair.b.address, 5)["loss"] == 0
    assert pair.b.ping(pair.a.address, 5)["loss"] == 0


def test_driver_loaded_20_times(pair):
    guest = pair.b
    mac = guest.mac(guest.nic)
    for _ in range(20):
        guest.sh("rmmod ixgbevf && modprobe ixgbevf")
        guest.up(guest.interface(), f"{guest.address}/24")
        assert guest.ping(pair.a.address, 1)["loss"] == 0
    assert guest.mac(guest.nic) == mac
    assert_talking(pair)


def test_interface_down_and_up_50_times(pair):
    pair.b.sh(f"for i in $(seq 50); do ip link set {pair.b.nic} down && "
              f"ip link set {pair.b.nic} up || exit 1; done", 200)
    pair.b.up(pair.b.nic)
    assert_talking(pair)
    assert not re.search(r"Hang|WARNING:|BUG:|error", pair.b.sh("dmesg | grep -v EDAC"))


def test_reboot(pair):
    guest = pair.b
    mac = guest.mac(guest.nic)
    guest.reboot()
    assert guest.interface() == guest.nic and guest.mac(guest.nic) == mac
    guest.up(guest.nic, f"{guest.address}/24")
    assert_talking(pair)


def test_hot_plug(pair):
    guest = pair.b
    guest.hotplug(pair.daemon.socket("0000:07:10.4"))
    nic = guest.interface(1)
    assert guest.mac(nic) == pair.daemon.function("0000:07:10.4")["mac"]
    guest.up(nic, "10.4.0.2/24")
    pair.a.sh(f"ip addr add 10.4.0.1/24 dev {pair.a.nic}")
    assert guest.ping("10.4.0.1", 5, args=f"-I {nic}")["loss"] == 0
    assert_talking(pair)


@pytest.mark.parametrize("load", ["transmitting", "receiving"])
def test_killed_under_load(pair, crew, load):
    """SIGKILL of a VM in full swing costs a flow between two others no packet."""
    socket = pair.daemon.socket(TRAPPED)
    victim = crew.guest("victim", vfs=[socket])
    victim.wait_ready()
    nic = victim.interface()
    victim.up(nic, "10.0.0.9/24")
    if load == "transmitting":
        victim.start_bg(f"traffic raw-send {nic} dst={pair.a.mac(pair.a.nic)} "
                        f"src={victim.mac(nic)} size=1400 rate=3000 count=1000000")
    else:
        pair.a.start_bg(f"traffic raw-send {pair.a.nic} dst={victim.mac(nic)} "
                        f"src={pair.a.mac(pair.a.nic)} size=1400 rate=3000 count=30000")
    listener = pair.b.start_bg("traffic paced-recv 7000").wait_for("listening")
    flow = pair.a.start_bg(f"traffic paced-send {pair.b.address} 7000 1000 6000")
    before = pair.daemon.function(TRAPPED)["stats"]
    time.sleep(2)
    counter = "tx_packets" if load == "transmitting" else "rx_packets"
    assert pair.daemon.function(TRAPPED)["stats"][counter] > before[counter] + 1000
    victim.kill()
    assert flow.wait().rc == 0
    report = listener.wait().stdout
    assert '"sent": 6000, "received": 6000, "missing": 0, "duplicates": 0' in report
    wait_until(lambda: pair.daemon.function(TRAPPED)["attached"] is None, 30, "detachment")


def test_next_vm_takes_the_same_socket(pair, crew):
    for number in range(2):
        guest = crew.guest(f"next{number}", vfs=[pair.daemon.socket(TRAPPED)])
        guest.wait_ready()
        nic = guest.interface()
        assert guest.mac(nic) == pair.daemon.function(TRAPPED)["mac"]
        guest.up(nic, "10.0.0.9/24")
        assert guest.ping(pair.a.address, 5)["loss"] == 0
        if number == 0:
            guest.poweroff()
            wait_until(lambda: pair.daemon.function(TRAPPED)["attached"] is None, 30, "detachment")
        else:
            self_test(guest, nic)
            assert guest.ping(pair.a.address, 5)["loss"] == 0
    assert_talking(pair)


def self_test(guest, nic):
    """ethtool -t, which wants every register exact: this VF's are trapped."""
    result = guest.run(f"ethtool -t {nic} offline")
    assert "The test result is PASS" in result.stdout, result
    guest.up(nic)


def test_second_client_of_a_socket_is_refused(pair):
    pid = pair.daemon.function(pair.a.function)["attached"]
    second = Guest("second", vfs=[pair.daemon.socket(pair.a.function)])
    with pytest.raises(LabError, match="QEMU ended"):
        second.start()
    second.close()
    assert pair.daemon.function(pair.a.function)["attached"] == pid
    assert_talking(pair)
