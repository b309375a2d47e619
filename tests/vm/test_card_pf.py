# SPDX-License-Identifier: BSD-3-Clause
"""
What else the stock driver does with a PF of a card in a VM: flows steered by ethtool -N, resets, an
EEPROM that nobody writes, and whose frames a VF's counters hold.
"""

import re

import pytest

from card import BACKPLANE, CABLE, KNOWN, WIRE_ADDRESS, dom0_of, wire_up
from lab import wait_until


@pytest.fixture(scope="module")
def dom0(module_crew):
    return dom0_of(module_crew, CABLE, BACKPLANE)


def received(dom0, count=20):
    """How many answers to count pings came, and how many frames each queue received."""
    nic = dom0.pf[0]
    before = dom0.guest.ethtool_stats(nic)
    answers = dom0.guest.ping(WIRE_ADDRESS, count, interval=0.05)["received"]
    after = dom0.guest.ethtool_stats(nic)
    return answers, [after[f"rx_queue_{q}_packets"] - before[f"rx_queue_{q}_packets"]
                     for q in (0, 1)]


@pytest.fixture
def ntuple(dom0):
    """Perfect filters on; each change of it resets the PF."""
    def talks():
        return dom0.guest.ping(WIRE_ADDRESS, 1)["received"]
    nic = dom0.pf[0]
    dom0.guest.sh(f"ethtool -K {nic} ntuple on")
    wait_until(talks, 20, "traffic with ntuple on")
    yield nic
    dom0.guest.sh(f"ethtool -K {nic} ntuple off")
    wait_until(talks, 20, "traffic with ntuple off")


def rule(dom0, nic, words):
    """Add a filter; return its number."""
    said = dom0.guest.sh(f"ethtool -N {nic} {words}")
    return re.search(r"Added rule with ID (\d+)", said)[1]


def test_flows_are_steered(dom0, ntuple):
    for queue in (1, 0):
        number = rule(dom0, ntuple, f"flow-type ip4 src-ip {WIRE_ADDRESS} action {queue}")
        answers, frames = received(dom0)
        assert answers == 20 and frames[queue] >= 20 and frames[1 - queue] < 5, (answers, frames)
        dom0.guest.sh(f"ethtool -N {ntuple} delete {number}")
    assert dom0.guest.ethtool_stats(ntuple)["fdir_match"] >= 40


def test_flows_are_dropped(dom0, ntuple):
    number = rule(dom0, ntuple, f"flow-type ip4 src-ip {WIRE_ADDRESS} action -1")
    assert received(dom0, 5)[0] == 0
    # The driver writes its filters anew after a reset of the PF.
    dom0.guest.sh(f"ethtool -r {ntuple}")
    dom0.guest.up(ntuple, timeout=30)
    assert received(dom0, 5)[0] == 0
    dom0.guest.sh(f"ethtool -N {ntuple} delete {number}")
    assert received(dom0, 5)[0] == 5


def test_counters_of_a_vf_are_its_own(dom0):
    """Without VFs the PF uses what is VF 0's pool afterwards."""
    received(dom0)
    dom0.guest.numvfs(dom0.pf, 2)
    try:
        assert dom0.guest.vf_stats(dom0.pf, 0)["rx_packets"] == 0
        assert dom0.guest.vf_stats(dom0.pf, 0)["tx_packets"] == 0
    finally:
        dom0.guest.numvfs(dom0.pf, 0)
    dom0.guest.up(dom0.pf[0], timeout=30)


def test_eeprom_is_not_written(dom0):
    nic = dom0.pf[0]
    before = dom0.guest.sh(f"ethtool -e {nic} length 64")
    assert dom0.guest.run(f"ethtool -E {nic} magic 0x{BACKPLANE}8086 offset 0 value 1").rc != 0
    assert dom0.guest.sh(f"ethtool -e {nic} length 64") == before


def test_product_data(dom0):
    said = dom0.guest.sh(f"lspci -vvv -s {dom0.pf[1]}")
    assert "[PN] Part number: SOFTIOV-82" in said
    assert "checksum good" in said


def test_function_level_reset(dom0):
    """Of a PF that no driver has, then it is bound again."""
    driver, address = "/sys/bus/pci/drivers/ixgbe", dom0.pf[1]
    dom0.guest.sh(f"echo {address} >{driver}/unbind && "
                  f"echo flr >/sys/bus/pci/devices/{address}/reset_method && "
                  f"echo 1 >/sys/bus/pci/devices/{address}/reset && "
                  f"echo {address} >{driver}/bind")
    dom0.pf, = (pf for pf in dom0.guest.pfs(1) if pf[1] == address)
    dom0.guest.up(dom0.pf[0], "10.0.0.1/24", timeout=30)
    wait_until(lambda: dom0.guest.ping(WIRE_ADDRESS, 1)["received"], 20, "traffic after a reset")


def test_driver_loaded_again(dom0):
    dom0.guest.sh("rmmod ixgbe && modprobe ixgbe", 120)
    wire_up(dom0)
    assert dom0.guest.ping(WIRE_ADDRESS, 5)["loss"] == 0


def test_nothing_to_complain_of(dom0):
    assert not dom0.guest.complaints(KNOWN)
    assert dom0.daemon.alive()
