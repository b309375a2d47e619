# SPDX-License-Identifier: BSD-3-Clause
"""
The VM that drives a card is no kernel at all: random writes over all windows of the card, while two
guests of another card in the same daemon talk. What it may do to its own VFs is its business.
"""

import os
import random
import struct

import pytest

from card import CARD, boot
from card_client import (ALL_ONES, BAR0, CFGBAR, COMMAND, MEMBAR1, MEMBAR2, MEMORY_AND_MASTER,
                         NUM_VFS, PAGE_SIZE, PF_BAR0, PF_BAR4, SRIOV_CONTROL, VF_BAR0, VF_BAR3,
                         VF_BARS, VF_BAR_SIZE, VF_ENABLE_AND_MSE, WINDOWS, CardBus)
from lab import wait_until
from test_hostile import unharmed
from vfio_user import CONFIG, HEADER, Client, Refused

# Two guests have VFs of the second card.
PAIR_CONFIG = f"""\
cards:
  - address: "{CARD}"
    mode: vm
    ports:
      - uplink: "cable:loop"
      - uplink: "cable:loop"
  - address: "0000:0c"
"""
PAIR_FUNCTIONS = ("0000:0c:10.0", "0000:0c:10.2")

POWER = 0x44
PFS, VFS = (0, 1), 8
BAR_STEP = 0x800000     # from one PF's BARs to the next one's
PF_REGISTERS = 0x20000
VECTORS, MSIX_CONTROL, EICS, EIMS = 64, 0x72, 0x808, 0x880
MAILBOX, DOORBELLS = 0x4b00, (0x1018, 0x6018, 0xd018)


class Card(CardBus, Client):
    """A client that has the whole card, and no manners."""

    MEMORY = 1 << 24

    def __init__(self, path, answers=True):
        super().__init__(path)
        self.answers = answers
        self.fd = os.memfd_create("dom0", os.MFD_CLOEXEC)
        os.ftruncate(self.fd, self.MEMORY)
        self.dma_map(0, self.MEMORY, self.fd)
        self.build()

    def __exit__(self, *_):
        super().__exit__()
        os.close(self.fd)

    def build(self):
        """Everything is found at an address, decodes it, and there are VFs."""
        self.place_windows()
        for pf in PFS:
            base = WINDOWS[MEMBAR1] + pf * BAR_STEP
            self.config(pf, POWER, 0, 2)
            self.config(pf, SRIOV_CONTROL, 0, 2)
            self.config(pf, PAGE_SIZE, 1)
            for bar, offset in ((BAR0, PF_BAR0), (BAR0 + 16, PF_BAR4)):
                self.config(pf, bar, base + offset)
                self.config(pf, bar + 4, 0)
            for bar, offset in ((0, VF_BAR0), (3, VF_BAR3)):
                self.config(pf, VF_BARS + 4 * bar, base + offset)
                self.config(pf, VF_BARS + 4 * bar + 4, 0)
            self.config(pf, COMMAND, MEMORY_AND_MASTER, 2)
            self.config(pf, NUM_VFS, VFS, 2)
            self.config(pf, SRIOV_CONTROL, VF_ENABLE_AND_MSE, 2)
            for vector in range(VECTORS):
                entry = pf * BAR_STEP + PF_BAR4 + 16 * vector
                self.write(MEMBAR1, entry, base + PF_BAR4)     # the table itself: no way round
                self.write(MEMBAR1, entry + 12, 0)
            self.config(pf, MSIX_CONTROL, 0x8000, 2)
            self.write(MEMBAR1, pf * BAR_STEP + EIMS, ALL_ONES)

    def decodes(self):
        """STATUS of both PFs and VFLINKS of their first VFs are not all ones."""
        return all(self.read(MEMBAR1, pf * BAR_STEP + offset) != ALL_ONES
                   for pf in PFS for offset in (PF_BAR0 + 8, VF_BAR0 + 0x10))


def functions(dice):
    """A devfn: mostly one that is there."""
    pf = dice.choice(PFS)
    return dice.choice([pf, 0x80 + 2 * dice.randrange(VFS) + pf, dice.randrange(256)])


def somewhere(dice):
    """A region and an offset in it, worth writing to."""
    base = dice.choice(PFS) * BAR_STEP
    pick = dice.randrange(100)
    if pick < 3:
        return CONFIG, dice.randrange(4096)
    if pick < 20:
        return CFGBAR, functions(dice) << 12 | dice.randrange(4096)
    if pick < 60:
        return MEMBAR1, base + PF_BAR0 + 4 * dice.randrange(PF_REGISTERS // 4)
    if pick < 65:
        return MEMBAR1, base + MAILBOX + 4 * dice.randrange(64)
    if pick < 70:
        return MEMBAR1, base + dice.choice(DOORBELLS) + 0x40 * dice.randrange(64)
    if pick < 72:
        return MEMBAR1, base + PF_BAR4 + 4 * dice.randrange(0x1000)
    if pick < 90:
        return MEMBAR1, base + VF_BAR0 + 4 * dice.randrange(VFS * VF_BAR_SIZE // 4)
    if pick < 92:
        return MEMBAR1, base + VF_BAR3 + 4 * dice.randrange(VFS * VF_BAR_SIZE // 4)
    if pick < 96:
        return MEMBAR2, dice.randrange(0x2000)
    return MEMBAR1, dice.randrange(2 * BAR_STEP)


def scribble(card, dice, writes):
    for number in range(writes):
        if number % 2000 == 0:
            card.build()
        region, offset = somewhere(dice)
        length = dice.choice([1, 2, 4, 4, 4, 4, 8])
        bits = 8 * length
        value = dice.choice([dice.getrandbits(bits), 1 << dice.randrange(bits), 0, (1 << bits) - 1])
        try:
            card.write(region, offset, value, length)
            if number % 8 == 0:
                card.read(region, offset & ~3)
        except Refused:
            pass


def card_is_free(pair):
    def freed():
        try:
            with Client(pair.daemon.card_socket()):
                return True
        except (Refused, ConnectionError):
            return False
    wait_until(freed, 30, "the card let go of")


@pytest.mark.parametrize("seed", range(1, 6))
def test_random_writes(pair, seed):
    """Five times 20,000."""
    dice = random.Random(seed)
    with unharmed(pair):
        with Card(pair.daemon.card_socket()) as card:
            assert card.decodes()
            scribble(card, dice, 20000)
            card.build()
            assert card.decodes()
            assert card.interrupts
        card_is_free(pair)


def test_more_vfs_than_there_are(pair):
    with unharmed(pair):
        with Card(pair.daemon.card_socket()) as card:
            for number in (0, 65, 0x7fff, 0xffff):
                card.config(0, SRIOV_CONTROL, 0, 2)
                card.config(0, NUM_VFS, number, 2)
                card.config(0, SRIOV_CONTROL, VF_ENABLE_AND_MSE, 2)
                assert card.config(0, SRIOV_CONTROL, length=2) & 1 == 0
                assert len(vfs(pair)) == VFS, "those of the other PF"
        card_is_free(pair)


def vfs(pair):
    card, = (card for card in pair.daemon.show()["cards"] if card["address"] == CARD)
    return [vf for port in card["ports"] for pf in port["pfs"] for vf in pf["vfs"]]


def test_vf_sockets_while_vfs_come_and_go(pair):
    """Clients of VFs that vanish under them, again and again."""
    with unharmed(pair):
        with Card(pair.daemon.card_socket()) as card:
            for number in range(20):
                card.build()
                others = [Client(pair.daemon.socket(f"{CARD}:10.{2 * vf}")) for vf in range(3)]
                for other in others:
                    other.write(CONFIG, COMMAND, MEMORY_AND_MASTER, 2)
                card.config(0, SRIOV_CONTROL, 0, 2)
                for other in others:
                    assert other.read(0, 0x8) != ALL_ONES
                    other.write(0, 0, 1 << 26)
                if number % 2:
                    card.build()
                for other in others:
                    other.sock.close()
        card_is_free(pair)


def test_rings_in_the_card_s_own_registers(pair):
    """What is no memory is not reached by DMA; interrupts nobody answers for do not pile up."""
    with unharmed(pair):
        with Card(pair.daemon.card_socket(), answers=False) as card:
            for queue in range(64):
                for page in (0x1000, 0x6000):
                    ring = page + 0x40 * queue
                    card.write(MEMBAR1, ring, WINDOWS[MEMBAR1])
                    card.write(MEMBAR1, ring + 8, 4096)
                    card.write(MEMBAR1, ring + 0x28, 1 << 25)
                    card.write(MEMBAR1, ring + 0x18, 64)
            for _ in range(500):
                card.write(MEMBAR1, EICS, ALL_ONES)
                card.write(MEMBAR1, EIMS, ALL_ONES)
                assert card.read(MEMBAR1, 0x8) != ALL_ONES
            assert 0 < card.interrupts < 500
        card_is_free(pair)


def test_memory_that_shrinks(pair):
    with unharmed(pair):
        with Card(pair.daemon.card_socket()) as card:
            os.ftruncate(card.fd, 0)
            try:
                scribble(card, random.Random(6), 2000)
            except ConnectionError:
                pass
        card_is_free(pair)


def test_malformed_interrupt_answers(pair):
    """Replies to the card's own messages that are no replies."""
    with unharmed(pair):
        for nonsense in (HEADER.pack(1, 12, 16, 1, 0), HEADER.pack(7, 12, 24, 0x21, 5) + bytes(8),
                         HEADER.pack(0xffff, 11, 40, 1, 0) + struct.pack("<QQ", 0, 8) + bytes(8)):
            with Card(pair.daemon.card_socket()) as card:
                card.sock.sendall(nonsense)
                card.sock.settimeout(0.2)
                card.closed()
            card_is_free(pair)


def test_a_good_guest_after_all_that(pair, crew):
    guest = boot(crew, pair.daemon, mem="512M")
    (nic, _), (other, _) = guest.pfs()
    wire = guest.namespace("wire").take(other)
    guest.up(nic, "10.3.0.1/24")
    wire.up(other, "10.3.0.2/24")
    assert guest.ping("10.3.0.2", 5)["loss"] == 0
    assert pair.a.ping(pair.b.address, 5)["loss"] == 0
