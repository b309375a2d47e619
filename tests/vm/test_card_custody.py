# SPDX-License-Identifier: BSD-3-Clause
"""
Who has a VF of a card in a VM, at every step and without a kernel in the way: a client by hand is
the VM with the card ("Dom0"), others are VMs that take its VFs. The PF driver is a few writes.
"""

import mmap
import os
import struct

import pytest

from card import CARD
from card_client import (ALL_ONES, BAR0, COMMAND, MEMBAR1, MEMORY_AND_MASTER, NUM_VFS, PF_BAR0,
                         SRIOV_CONTROL, VF_BAR0, VF_BAR3, VF_BARS, VF_BAR_SIZE, VF_ENABLE_AND_MSE,
                         WINDOWS, CardBus)
from lab import wait_until
from vfio_user import (BAL, CONFIG, CTL, ENABLE, LEN, RESET, RX, TAIL, TX, VFCTRL, VFMAILBOX,
                       VFMBMEM, VFSTATUS, Client, Refused)

VFS = 4
VF = [f"{CARD}:10.{2 * number}" for number in range(VFS)]
EBUSY = 16

# Configuration space
DEVICE_CONTROL, FLR = 0xa8, 1 << 15
EXT_AER, EXT_SRIOV = 0x1, 0x10
VF_DEVFN = 0x80
# Registers of the PF
CTRL, CTRL_RST = 0x0, 1 << 26
CTRL_EXT, PFRSTD = 0x18, 1 << 14
VFLRE = 0x600
DMATXCTL, TE = 0x4a80, 1
VFTE, VT_CTL, GCR_EXT = 0x8110, 0x51b0, 0x11050
# Registers of a VF
VFLINKS, LINK_UP = 0x10, 1 << 30
RSTI = 1 << 6


class Vm(Client):
    """A VM: memory at IOVA, with one frame for a transmit ring at its beginning."""

    IOVA, SIZE = 0, 1 << 20
    DATA = 3 << 20 | 1 << 24 | 1 << 25 | 1 << 27 | 1 << 29     # data, EOP, IFCS, RS, DEXT

    def __init__(self, path):
        super().__init__(path)
        self.fd = os.memfd_create("memory", os.MFD_CLOEXEC)
        os.ftruncate(self.fd, self.SIZE)
        self.memory = mmap.mmap(self.fd, self.SIZE)
        self.dma_map(self.IOVA, self.SIZE, self.fd)

    def __exit__(self, *_):
        super().__exit__()
        os.close(self.fd)

    def transmit(self, ring, write):
        """The ring with that frame; or at ring, which may be in somebody else's memory."""
        struct.pack_into("<QII", self.memory, 0, self.IOVA + 4096, self.DATA | 64, 64 << 14)
        for offset, value in ((BAL, ring), (LEN, 128), (CTL, ENABLE), (TAIL, 1)):
            write(TX + offset, value)

    def sent(self):
        """Did the card write back that it is done?"""
        return struct.unpack_from("<I", self.memory, 12)[0] & 1


class Dom0(CardBus, Vm):
    """The card in a VM: one PF, at fixed addresses. Interrupts are not answered."""

    answers = False

    def __init__(self, path):
        super().__init__(path)
        self.place_windows()
        for register, offset in ((BAR0, PF_BAR0), (VF_BARS, VF_BAR0), (VF_BARS + 12, VF_BAR3)):
            self.config(0, register, WINDOWS[MEMBAR1] + offset)
        self.config(0, COMMAND, MEMORY_AND_MASTER, 2)
        self.up()

    def reg(self, offset):
        return self.read(MEMBAR1, PF_BAR0 + offset)

    def set(self, offset, value):
        self.write(MEMBAR1, PF_BAR0 + offset, value)

    def vf(self, number, offset, value=None):
        """Read, or write, a register of a VF as its own driver in this VM would."""
        at = VF_BAR0 + number * VF_BAR_SIZE + offset
        return self.read(MEMBAR1, at) if value is None else self.write(MEMBAR1, at, value)

    def vf_config(self, number, register, value=None, length=4):
        return self.config(VF_DEVFN + 2 * number, register, value, length)

    def up(self):
        """What a PF driver does that its VFs can work: 64 pools, transmission, PF reset done."""
        self.set(GCR_EXT, 3)
        self.set(VT_CTL, 1)
        self.set(DMATXCTL, TE)
        self.open_pools()
        self.set(CTRL_EXT, PFRSTD)

    def open_pools(self):
        """Again for a VF that was reset."""
        self.set(VFTE, (1 << VFS) - 1)

    def vf_transmits(self, ring):
        self.transmit(ring, lambda offset, value: self.vf(1, offset, value))

    def numvfs(self, number):
        self.config(0, SRIOV_CONTROL, 0, 2)
        self.config(0, NUM_VFS, number, 2)
        if number:
            self.config(0, SRIOV_CONTROL, VF_ENABLE_AND_MSE, 2)


class DomU(Vm):
    """A VM that has a VF."""

    IOVA = 0x400000

    def __init__(self, path):
        super().__init__(path)
        self.write(CONFIG, COMMAND, MEMORY_AND_MASTER, 2)

    def reg(self, offset):
        return self.read(0, offset)

    def set(self, offset, value):
        self.write(0, offset, value)

    def in_reset(self):
        """RSTI, no link, and yet somebody answers."""
        assert self.reg(VFSTATUS) != ALL_ONES
        down = not self.reg(VFLINKS) & LINK_UP
        assert down == bool(self.reg(VFMAILBOX) & RSTI)
        return down

    def vf_transmits(self, ring):
        self.transmit(ring, self.set)


@pytest.fixture
def daemon(crew):
    return crew.daemon(f"cards: [{{ address: '{CARD}', mode: vm }}]\n")


@pytest.fixture
def dom0(daemon):
    with Dom0(daemon.card_socket()) as dom0:
        dom0.numvfs(VFS)
        has_sockets(daemon, VF)
        yield dom0


def sockets(daemon):
    return sorted(path.name.removesuffix(".sock") for path in daemon.run_dir.glob("0000:*.sock"))


def has_sockets(daemon, functions):
    """They come and go a moment after the VFs, to hold nobody up."""
    wait_until(lambda: sockets(daemon) == functions, 5,
               lambda: f"{functions} instead of {sockets(daemon)}", 0.01)


def custody(daemon, number):
    return daemon.function(VF[number])["custody"]


def at_home(daemon, number):
    wait_until(lambda: custody(daemon, number) == "home", 5, f"VF {number} at home")


def refused(path):
    with pytest.raises(Refused) as refusal:
        Client(path)
    return refusal.value.args[0]


def test_sockets_follow_vf_enable(daemon):
    with Dom0(daemon.card_socket()) as dom0:
        assert sockets(daemon) == []
        for number in (2, 4, 0, 1):
            dom0.numvfs(number)
            has_sockets(daemon, VF[:number])
        assert daemon.function(VF[0])["custody"] == "home"
        dom0.config(0, DEVICE_CONTROL, FLR, 2)
        has_sockets(daemon, [])
        assert dom0.config(0, NUM_VFS, length=2) == 0
        dom0.up()
        dom0.numvfs(2)
        dom0.call(RESET)    # of all that is behind the endpoint
        has_sockets(daemon, [])
        assert dom0.config(0, NUM_VFS, length=2) == 0
        assert dom0.config(0, COMMAND, length=2) == 0


def test_too_many_are_refused(daemon):
    with Dom0(daemon.card_socket()) as dom0:
        dom0.numvfs(65)
        assert not dom0.config(0, SRIOV_CONTROL, length=2) & 1
        assert sockets(daemon) == []
        dom0.numvfs(64)
        wait_until(lambda: len(sockets(daemon)) == 64, 30, "64 sockets")


def test_sriov_is_switched_off(crew):
    """By the one who has the host: there is no capability to enable VFs with, and the PF works."""
    daemon = crew.daemon(f"cards: [{{ address: '{CARD}', mode: vm, "
                         "ports: [{ pfs: [{ sriov: off }] }] }]\n")
    with Dom0(daemon.card_socket()) as dom0:
        extended = []
        at = 0x100
        while at:
            header = dom0.config(0, at)
            extended.append(header & 0xffff)
            at = header >> 20
        assert EXT_AER in extended and EXT_SRIOV not in extended
        dom0.numvfs(VFS)
        assert dom0.config(0, NUM_VFS, length=2) == 0
        assert dom0.config(VF_DEVFN, 0) == ALL_ONES
        assert sockets(daemon) == []
        assert dom0.reg(CTRL_EXT) != ALL_ONES


def test_home(daemon, dom0):
    """What nobody asked for is the VM's own."""
    assert dom0.vf_config(1, 0) == ALL_ONES     # a bare VF has no IDs
    assert dom0.vf_config(VFS, 0x70) == ALL_ONES
    assert dom0.vf_config(1, 0x70, length=1) == 0x11
    assert not dom0.vf(1, VFMAILBOX) & RSTI and dom0.vf(1, VFLINKS) & LINK_UP
    dom0.vf(1, VFMBMEM, 0x1234)
    assert dom0.vf(1, VFMBMEM) == 0x1234 and dom0.vf(2, VFMBMEM) == 0
    assert daemon.function(VF[1])["attached"] is None
    with pytest.raises(KeyError):
        daemon.function(VF[1])["mac"]
    assert "with the card's VM" in daemon.cli("show")[1]


def test_in_use_is_not_given_away(daemon, dom0):
    for page in (RX, TX):
        dom0.vf(1, page + CTL, ENABLE)
        assert refused(daemon.socket(VF[1])) == EBUSY
        assert "the card's own VM" in daemon.logs() and VF[1] in daemon.logs()
        assert dom0.vf(1, page + CTL) & ENABLE, "it lost nothing"
        dom0.vf(1, page + CTL, 0)
    with DomU(daemon.socket(VF[1])):
        assert custody(daemon, 1) == "away"


def test_given_away(daemon, dom0):
    dom0.vf(1, VFMBMEM, 0x1234)
    dom0.vf_config(1, COMMAND, 4, 2)
    with DomU(daemon.socket(VF[1])) as domu:
        assert daemon.function(VF[1])["attached"] == os.getpid()
        assert dom0.reg(VFLRE) & 1 << 1, "the PF driver hears of the reset"
        assert domu.reg(VFMBMEM) == 0 and not domu.in_reset()
        # Dom0 sees a VF that is there, in reset; what it does to it has no effect.
        assert dom0.vf_config(1, 0x70, length=1) == 0x11
        assert dom0.vf(1, VFMAILBOX) == RSTI
        assert dom0.vf(1, VFSTATUS) == dom0.vf(1, RX + CTL) == dom0.vf(1, VFMBMEM) == 0
        domu.set(VFMBMEM, 0x5678)
        domu.set(RX + BAL, 0x400000)
        for offset in (VFMBMEM, RX + BAL, RX + CTL):
            dom0.vf(1, offset, ALL_ONES)
        dom0.vf(1, VFCTRL, 1 << 26)
        dom0.vf_config(1, COMMAND, 0, 2)
        dom0.vf_config(1, DEVICE_CONTROL, FLR, 2)
        dom0.vf_config(1, COMMAND, 4, 2)
        assert domu.reg(VFMBMEM) == 0x5678 and domu.reg(RX + BAL) == 0x400000
        assert daemon.function(VF[1])["bus_master"]
        assert not dom0.vf(0, VFMAILBOX) & RSTI, "VF 0 is not concerned"
        # It is one client's, and the others are still Dom0's.
        assert refused(daemon.socket(VF[1])) == EBUSY
        assert custody(daemon, 0) == "home"
        assert f"attached to process {os.getpid()}" in daemon.cli("show")[1]
    at_home(daemon, 1)
    assert not dom0.vf(1, VFMAILBOX) & RSTI
    assert dom0.vf(1, VFMBMEM) == dom0.vf(1, RX + BAL) == 0, "nothing of its guest's is left"
    assert dom0.vf_config(1, COMMAND, length=2) == 4, "Dom0's own setting is"


def fails(daemon, dom0, vm, ring):
    """A ring in somebody else's memory is a fault of this VF, and nothing else."""
    dom0.open_pools()
    before = daemon.function(VF[1])["dma"]["faults"]
    vm.vf_transmits(ring)
    wait_until(lambda: daemon.function(VF[1])["dma"]["faults"] > before, 30, "a fault")
    fault = daemon.function(VF[1])["faults"][0]
    assert (fault["requester"], int(fault["address"], 0)) == (VF[1], ring)
    assert fault["reason"] == "address not mapped" and not vm.sent()


def works(dom0, vm):
    dom0.open_pools()
    vm.vf_transmits(vm.IOVA)
    wait_until(vm.sent, 30, "a frame sent", 0.01)


def test_memory_is_each_one_s_own(daemon, dom0):
    with DomU(daemon.socket(VF[1])) as domu:
        assert daemon.function(VF[1])["dma"]["regions"] == 1
        fails(daemon, dom0, domu, Dom0.IOVA)
        domu.call(RESET)
        domu.write(CONFIG, COMMAND, MEMORY_AND_MASTER, 2)
        works(dom0, domu)
    at_home(daemon, 1)
    dom0.vf_config(1, COMMAND, 4, 2)
    fails(daemon, dom0, dom0, DomU.IOVA)
    dom0.vf(1, VFCTRL, 1 << 26)
    works(dom0, dom0)
    dom0.vf(1, TX + CTL, 0)
    with DomU(daemon.socket(VF[1])) as domu:
        works(dom0, domu)
        dom0.numvfs(0)
        dom0.numvfs(VFS)
        works(dom0, domu)
    at_home(daemon, 1)
    dom0.vf_config(1, COMMAND, 4, 2)    # it was switched off in between
    works(dom0, dom0)


def orphaned(daemon, domu, number):
    assert domu.in_reset()
    vf = daemon.function(VF[number])
    assert vf["custody"] == "orphan" and vf["attached"] == os.getpid()
    assert "taken away by the card's VM" in daemon.cli("show")[1]
    # It may do what it likes to itself.
    domu.set(VFCTRL, 1 << 26)
    domu.write(CONFIG, COMMAND, 2, 2)
    domu.write(CONFIG, COMMAND, MEMORY_AND_MASTER, 2)
    domu.set(VFMAILBOX, 3)
    domu.vf_transmits(DomU.IOVA)
    assert domu.in_reset() and not domu.sent()


def test_vf_enable_off_and_on(daemon, dom0):
    with DomU(daemon.socket(VF[1])) as domu:
        for _ in range(2):
            dom0.numvfs(0)
            has_sockets(daemon, [VF[1]])
            orphaned(daemon, domu, 1)
            assert dom0.vf_config(1, 0x70) == ALL_ONES, "to Dom0 there is no such VF"
            assert refused(daemon.socket(VF[1])) == EBUSY
            dom0.numvfs(1)  # not this one
            orphaned(daemon, domu, 1)
            dom0.numvfs(VFS)
            has_sockets(daemon, VF)
            assert custody(daemon, 1) == "away"
            assert not domu.in_reset()
            assert dom0.vf(1, VFMAILBOX) == RSTI
            assert domu.reg(TX + CTL) == 0, "its registers are at power-on"
            assert daemon.function(VF[1])["dma"]["regions"] == 1
            works(dom0, domu)
    at_home(daemon, 1)
    dom0.vf(1, VFMBMEM, 0x1234)
    assert dom0.vf(1, VFMBMEM) == 0x1234


@pytest.mark.parametrize("how", ["flr", "hot"])
def test_pf_resets(daemon, dom0, how):
    with DomU(daemon.socket(VF[1])) as domu:
        if how == "flr":
            dom0.config(0, DEVICE_CONTROL, FLR, 2)
        else:
            dom0.call(RESET)
        orphaned(daemon, domu, 1)
        has_sockets(daemon, [VF[1]])


def test_register_reset_of_the_pf(daemon, dom0):
    """CTRL.RST leaves VF Enable alone: the VF is where it was, in reset until PFRSTD."""
    with DomU(daemon.socket(VF[1])) as domu:
        dom0.set(CTRL, CTRL_RST)
        assert domu.in_reset() and custody(daemon, 1) == "away"
        has_sockets(daemon, VF)
        dom0.up()
        assert not domu.reg(VFMAILBOX) & RSTI and domu.reg(VFLINKS) & LINK_UP


def test_orphans_end_with_their_clients(daemon, dom0):
    with DomU(daemon.socket(VF[1])), DomU(daemon.socket(VF[3])):
        dom0.numvfs(0)
        has_sockets(daemon, [VF[1], VF[3]])
    has_sockets(daemon, [])
    assert daemon.function(f"{CARD}:00.0")["vfs"] == []
    dom0.numvfs(VFS)
    at_home(daemon, 1)


def test_dom0_ends(daemon):
    """Its VM is gone; the next one finds a card at power-on, and the clients are still there."""
    with Dom0(daemon.card_socket()) as dom0:
        dom0.numvfs(VFS)
        domu = DomU(daemon.socket(VF[1]))
    with domu:
        wait_until(lambda: daemon.show()["cards"][0]["attached"] is None, 30, "detachment")
        orphaned(daemon, domu, 1)
        rc, _, err = daemon.cli("card", "unplug", CARD)
        assert rc == 1 and "1 of its VFs" in err
        rc, _, err = daemon.cli("stop")
        assert rc == 1 and "1 VFs or cards" in err
        with Dom0(daemon.card_socket()) as dom0:
            assert dom0.config(0, NUM_VFS, length=2) == 0
            assert not dom0.config(0, SRIOV_CONTROL, length=2) & 1
            assert domu.in_reset()
            dom0.numvfs(VFS)
            assert not domu.in_reset() and custody(daemon, 1) == "away"
    has_sockets(daemon, [])
    assert daemon.cli("card", "unplug", CARD) == (0, "", "")


def test_both_end_at_once(daemon):
    for _ in range(20):
        with Dom0(daemon.card_socket()) as dom0:
            dom0.numvfs(VFS)
            has_sockets(daemon, VF)
            with DomU(daemon.socket(VF[0])), DomU(daemon.socket(VF[2])):
                pass
            dom0.numvfs(1)
    wait_until(lambda: daemon.show()["cards"][0]["attached"] is None, 30, "detachment")
    has_sockets(daemon, [])
    assert daemon.cli("card", "unplug", CARD) == (0, "", "")


def test_registers_word_in_vm_mode(daemon, dom0):
    """The one setting of a VF that is not the PF driver's."""
    assert daemon.cli("vf", "set", VF[1], "registers", "trapped") == (0, "", "")
    assert daemon.function(VF[1])["registers"] == "trapped"
    for words in (["vlan", "7"], ["registers", "shared", "trust", "on"]):
        rc, _, err = daemon.cli("vf", "set", VF[1], *words)
        assert rc == 1 and "ip link" in err and f"process {os.getpid()}" in err
    assert daemon.function(VF[1])["registers"] == "trapped"


def test_advice_on_memory(daemon):
    """The VM that has the card may lack share=on, too."""
    size = 256 << 20

    def advice(words):
        wait_until(lambda: words in daemon.show()["cards"][0].get("advice", ""), 10, words)
        assert f"  ! guest memory is {words}" in daemon.cli("show")[1]

    fd = os.memfd_create("private", os.MFD_CLOEXEC)
    os.ftruncate(fd, size)
    with Dom0(daemon.card_socket()) as dom0:
        assert "advice" not in daemon.show()["cards"][0]
        dom0.dma_map(size, size)
        advice("not shared")
    wait_until(lambda: "advice" not in daemon.show()["cards"][0], 30, "no VM, no advice")
    with mmap.mmap(fd, size, mmap.MAP_PRIVATE), Dom0(daemon.card_socket()) as dom0:
        dom0.dma_map(size, size, fd)
        advice("private")
    wait_until(lambda: "advice" not in daemon.show()["cards"][0], 30, "no VM, no advice")
    os.close(fd)


def test_stop_by_force(daemon, dom0):
    with DomU(daemon.socket(VF[1])), DomU(daemon.socket(VF[2])) as domu:
        dom0.numvfs(2)  # VF 2 is an orphan
        assert domu.in_reset()
        rc, _, err = daemon.cli("stop")
        assert rc == 1 and "3 VFs or cards" in err
        assert daemon.cli("stop", "--force")[0] == 0
        assert daemon.process.wait(30) == 0
        assert [path.name for path in daemon.run_dir.iterdir()] == ["inventory"]
