# SPDX-License-Identifier: BSD-3-Clause
"""DMA: with an IOMMU in the guest, to memory that is not there, to memory that is not shared."""

import re

import pytest

from lab import iperf3, traffic, wait_until
from vfio_user import Vf

HOSTILE = "0000:07:10.6"


@pytest.fixture(scope="module")
def crewed(module_crew):
    """A daemon, a guest with an IOMMU and one without."""
    daemon = module_crew.daemon('cards: [{ address: "0000:07" }]\n')
    a = module_crew.guest("iommu", vfs=[daemon.socket("0000:07:10.0")], iommu=True, mem="384M")
    b = module_crew.guest("plain", vfs=[daemon.socket("0000:07:10.2")])
    for number, guest in enumerate((a, b), 1):
        guest.wait_ready()
        guest.nic = guest.interface()
        guest.address = f"10.0.0.{number}"
        guest.up(guest.nic, f"{guest.address}/24")
    a.function, b.function = "0000:07:10.0", "0000:07:10.2"
    return daemon, a, b


@pytest.fixture
def hostile(crewed):
    with Vf(crewed[0].socket(HOSTILE)) as vf:
        yield vf


def test_guest_iommu_is_on(crewed):
    _, a, _ = crewed
    (_, address, _), = a.interfaces("ixgbevf")
    assert re.fullmatch(r".*/iommu_groups/\d+\n",
                        a.sh(f"readlink /sys/bus/pci/devices/{address}/iommu_group"))
    kind = a.sh(f"cat /sys/bus/pci/devices/{address}/iommu_group/type").strip()
    assert kind in ("DMA", "DMA-FQ")


def test_traffic_through_the_guest_iommu(crewed):
    _, a, b = crewed
    for one, other in ((a, b), (b, a)):
        assert one.ping(other.address, 5)["loss"] == 0
        assert iperf3(other, one, other.address, 3)["mbits"] > 1
    rc, report = traffic(a, b, f"hash-send tcp {b.address} 7000 2000000", "hash-recv tcp 7000", 90)
    assert rc == 0 and report["complete"]


def test_fine_grained_maps_are_shown(crewed):
    daemon, a, b = crewed
    fine, coarse = (daemon.function(guest.function)["dma"] for guest in (a, b))
    assert fine["maps"] > 100 and fine["unmaps"] > 100 and fine["leaves_4k"] > 100
    assert fine["bytes"] < coarse["bytes"] // 2, "not all of the guest's memory"
    assert coarse["bytes"] >= 255 << 20 and coarse["maps"] < 100
    for dma in (fine, coarse):
        assert dma["faults"] == 0 and dma["translations"] > 0
    assert re.search(rf"DMA: {fine['regions']} maps", daemon.cli("show")[1])


def test_fault_names_requester_address_and_reason(crewed, hostile):
    daemon, a, b = crewed
    listener = b.start_bg("traffic paced-recv 7000").wait_for("listening")
    flow = a.start_bg(f"traffic paced-send {b.address} 7000 500 1500")
    before = daemon.function(HOSTILE)
    outside = 0x7f0012345000
    frame = bytes.fromhex("ffffffffffff" + hostile.mac.replace(":", "") + "88b5") + bytes(50)
    hostile.send_frame(frame, address=outside)
    wait_until(hostile.sent, 30, "completion of the bad descriptor")
    vf = daemon.function(HOSTILE)
    assert vf["dma"]["faults"] == before["dma"]["faults"] + 1
    assert vf["stats"]["drops"]["tx_dma_fault"] == before["stats"]["drops"]["tx_dma_fault"] + 1
    assert vf["stats"]["rx_packets"] == before["stats"]["rx_packets"]
    fault = vf["faults"][0]
    assert fault["requester"] == HOSTILE and int(fault["address"], 16) == outside
    assert fault["access"] == "read" and fault["length"] > 0 and fault["reason"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", fault["time"])
    said = daemon.cli("show")[1]
    assert f"{outside:#x}" in said and HOSTILE in said and fault["reason"] in said

    # The ring goes on, and nobody else noticed.
    hostile.send_frame(frame)
    wait_until(hostile.sent, 30, "completion of a good descriptor")
    assert daemon.function(HOSTILE)["stats"]["tx_packets"] > before["stats"]["tx_packets"]
    assert flow.wait().rc == 0
    assert '"received": 1500, "missing": 0' in listener.wait().stdout
    for guest in (a, b):
        assert daemon.function(guest.function)["dma"]["faults"] == 0


def test_memory_that_was_unmapped_is_gone(crewed, hostile):
    daemon = crewed[0]
    hostile.dma_map(0x40000000, 4096, hostile.fd, offset=0x90000)
    frame = bytes.fromhex("ffffffffffff" + hostile.mac.replace(":", "") + "88b5") + bytes(50)
    hostile.memory[0x90000:0x90000 + len(frame)] = frame
    hostile.send_frame(frame, address=0x40000000)
    wait_until(hostile.sent, 30, "completion")
    before = daemon.function(HOSTILE)
    hostile.dma_unmap(0x40000000, 4096)
    hostile.send_frame(frame, address=0x40000000)
    wait_until(hostile.sent, 30, "completion")
    after = daemon.function(HOSTILE)
    assert after["dma"]["faults"] == before["dma"]["faults"] + 1
    assert after["stats"]["tx_packets"] == before["stats"]["tx_packets"]


def test_read_only_memory_is_not_written(crewed, hostile):
    daemon, a, _ = crewed
    hostile.dma_unmap(hostile.IOVA, hostile.SIZE)
    hostile.dma_map(hostile.IOVA, hostile.SIZE, hostile.fd, flags=1)
    contents = bytes(hostile.memory)
    before = daemon.function(HOSTILE)["dma"]["faults"]
    a.run(f"traffic raw-send {a.nic} dst={hostile.mac} src={a.mac(a.nic)} count=5")
    fault = wait_until(lambda: daemon.function(HOSTILE)["faults"][:1], 30, "a fault")[0]
    assert daemon.function(HOSTILE)["dma"]["faults"] > before
    assert fault["access"] == "write" and fault["requester"] == HOSTILE
    assert bytes(hostile.memory) == contents


def test_memory_that_is_not_shared(crewed, module_crew):
    daemon, a, b = crewed
    guest = module_crew.guest("unshared", vfs=[daemon.socket("0000:07:10.4")], shared=False)
    guest.wait_ready()
    guest.run("ip link set eth0 up")
    advice = wait_until(lambda: daemon.function("0000:07:10.4").get("advice"), 20, "advice")
    assert "share=on" in advice
    assert advice in daemon.cli("show")[1]
    assert a.ping(b.address, 5)["loss"] == 0
    guest.kill()
