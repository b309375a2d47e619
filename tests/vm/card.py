# SPDX-License-Identifier: BSD-3-Clause
"""
A card in a VM, for the tests of it: a daemon whose card 0000:07 a guest drives, "Dom0". The guest's
own namespace holds the first PF; the second one, at the other end of the cable, is in a namespace
"wire", where all that the first port sends can be seen.
"""

from types import SimpleNamespace

from lab import CardGuest, wait_until

CARD = "0000:07"
CABLE = ("cable:loop", "cable:loop")
TAPS = ("tap:up0", "tap:up1")
ADDRESS, WIRE_ADDRESS = "10.0.0.1", "10.0.0.2"
BACKPLANE, SFP = "10f8", "10fb"
# What stock drivers say in passing.
KNOWN = (r"PCIe bandwidth|PCI-Express|x8 PCIe|hwmon", r"Spoofed packets detected",
         r"Reload the VF driver", r"Setting VLAN|setting MAC")


def config(uplinks=CABLE, identity=BACKPLANE, more=""):
    ports = "".join(f"      - {{ uplink: \"{uplink}\" }}\n" for uplink in uplinks)
    return (f"cards:\n  - address: \"{CARD}\"\n    mode: vm\n    device: \"{identity}\"\n"
            f"    ports:\n{ports}{more}")


def bridge(daemon):
    """Tie the TAPs of both ports together on the host's side."""
    daemon.net.sh("sysctl -q -w net.ipv6.conf.all.disable_ipv6=1; "
                  "ip link add br0 type bridge && ip link set br0 up && "
                  "for tap in up0 up1; do ip link set $tap master br0 mtu 9000 up; done")


def boot(crew, daemon, name="dom0", **options):
    """The guest with the card of daemon, ready; its PFs are bound, not yet up."""
    guest = crew.add(CardGuest(name, daemon.card_socket(), **options))
    guest.wait_ready()
    return guest


def wire_up(dom0, mtu=1500):
    """Both PFs up and addressed, the second in its namespace; after each load of ixgbe."""
    dom0.pf, dom0.other = dom0.guest.pfs()
    if dom0.wire:
        dom0.wire.nics.clear()
    else:
        dom0.wire = dom0.guest.namespace("wire")
    dom0.wire.take(dom0.other[0])
    for machine, nic, address in ((dom0.guest, dom0.pf[0], ADDRESS),
                                  (dom0.wire, dom0.other[0], WIRE_ADDRESS)):
        machine.up(nic, f"{address}/24", mtu)
    wait_until(lambda: dom0.guest.ping(WIRE_ADDRESS, 1)["received"], 20, "a first ping")


def dom0_of(crew, uplinks=CABLE, identity=BACKPLANE, more="", **options):
    """Daemon, guest and wire in one; see the top of this file."""
    daemon = crew.daemon(config(uplinks, identity, more))
    if uplinks == TAPS:
        bridge(daemon)
    dom0 = SimpleNamespace(daemon=daemon, guest=boot(crew, daemon, **options), wire=None,
                           identity=identity)
    wire_up(dom0)
    return dom0


def settle(vfs):
    """Each (namespace, nic) has its link again, maybe after a reset of the VF."""
    for machine, nic in vfs:
        machine.up(nic, timeout=40)
