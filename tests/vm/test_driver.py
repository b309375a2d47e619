# SPDX-License-Identifier: BSD-3-Clause
"""What a guest with the stock driver sees of its VF, and the first frames."""

import re

CONFIGURED_MAC = "52:54:00:00:07:01"
PAIR_CONFIG = f"""\
cards:
  - address: "0000:07"
    serial: 1234
    ports:
      - pfs:
          - vfs: 8
            vf:
              1: {{ mac: "{CONFIGURED_MAC}" }}
"""


def test_lspci(pair):
    for guest in (pair.a, pair.b):
        assert re.search(r"^\S+ Ethernet controller: Intel Corporation 82599 Ethernet Controller "
                         r"Virtual Function \(rev 01\)$", guest.sh("lspci"), re.M)


def test_stock_driver(pair):
    said = pair.a.sh(f"ethtool -i {pair.a.nic}")
    assert "driver: ixgbevf\n" in said
    (_, address, _), = pair.a.interfaces("ixgbevf")
    assert f"bus-info: {address}\n" in said
    assert pair.a.sh("modinfo -F intree ixgbevf").strip() == "Y"


def test_link(pair):
    for guest in (pair.a, pair.b):
        said = guest.sh(f"ethtool {guest.nic}")
        assert "Speed: 10000Mb/s\n" in said
        assert "Link detected: yes" in said


def test_mac_as_configured(pair):
    assert pair.b.mac(pair.b.nic) == CONFIGURED_MAC
    assert pair.daemon.function(pair.b.function)["mac"] == CONFIGURED_MAC


def test_mac_derived(pair):
    mac = pair.a.mac(pair.a.nic)
    assert mac == pair.daemon.function(pair.a.function)["mac"]
    assert int(mac[:2], 16) & 3 == 2, "unicast, locally administered"


def test_derived_macs_are_the_same_after_every_start(pair, crew):
    again = crew.daemon(PAIR_CONFIG)
    again.socket("0000:07:10.0")
    macs = {address: function["mac"] for address, function in again.functions().items()}
    assert macs == {address: function["mac"]
                    for address, function in pair.daemon.functions().items()}
    assert len(macs) == len(set(macs.values())) == 9
    other = crew.daemon(PAIR_CONFIG.replace("1234", "1235"))
    other.socket("0000:07:10.0")
    assert other.function("0000:07:10.0")["mac"] != macs["0000:07:10.0"]


def test_ping(pair):
    for one, other in ((pair.a, pair.b), (pair.b, pair.a)):
        assert one.ping(other.address, 10)["loss"] == 0
        assert one.ping(other.address, 5, size=1472, args="-M do")["loss"] == 0
        assert one.ping(other.address, 5, size=20000)["loss"] == 0


def test_show(pair):
    for guest in (pair.a, pair.b):
        vf = pair.daemon.function(guest.function)
        assert vf["attached"] == guest.process.pid
        assert vf["mailbox"]["api"] == "1.3" and vf["mailbox"]["clear_to_send"]
        assert vf["receive_enabled"] and vf["transmit_enabled"] and vf["bus_master"]
        assert vf["stats"]["tx_packets"] >= 20 and vf["stats"]["rx_packets"] >= 20
        assert vf["dma"]["translations"] > 0 and vf["dma"]["faults"] == 0 and not vf["faults"]
        assert "advice" not in vf
    assert f"attached to process {pair.a.process.pid}" in pair.daemon.cli("show")[1]


def test_nothing_to_complain_of_in_the_guests(pair):
    for guest in (pair.a, pair.b):
        bad = [line for line in guest.dmesg().splitlines()
               if re.search(r"ixgbevf.*(error|fail|hang|reset|remov)|WARNING:|BUG:|Call Trace",
                            line, re.I)]
        assert not bad
