# SPDX-License-Identifier: BSD-3-Clause
"""
A card in a VM, without the VM: a client of the card's socket that does what the VM's firmware and
bus do. The endpoint's windows get addresses, behind them the functions are reached.
"""

from vfio_user import COMMAND_ERROR, CONFIG, HEADER, Refused

ALL_ONES = 0xffffffff
DMA_WRITE, IS_REPLY = 12, 1

# The endpoint
CFGBAR, MEMBAR1, MEMBAR2 = 0, 2, 4
WINDOWS = {CFGBAR: 0x1000000000, MEMBAR1: 0xc0000000, MEMBAR2: 0xd0000000}
VMCONFIG, BYPASS = 0x44, 2
# Configuration space of any function; of a PF
COMMAND, BAR0, MEMORY_AND_MASTER = 0x4, 0x10, 6
SRIOV_CONTROL, NUM_VFS, PAGE_SIZE, VF_BARS = 0x168, 0x170, 0x180, 0x184
VF_ENABLE_AND_MSE = 9
# Where in MEMBAR1 the BARs of the first PF and of its VFs are put
PF_BAR0, PF_BAR4, VF_BAR0, VF_BAR3 = 0, 0x100000, 0x200000, 0x400000
VF_BAR_SIZE = 0x4000


class CardBus:
    """
    What a Client of a card's socket is besides. The card's own messages, interrupts, come between
    its replies; they are counted, and answered or not.
    """

    answers = True
    interrupts = 0

    def reply(self):
        while True:
            number, command, size, flags, error = HEADER.unpack(self._exactly(HEADER.size))
            body = self._exactly(size - HEADER.size)
            if flags & 0xf == IS_REPLY:
                break
            assert command == DMA_WRITE
            self.interrupts += 1
            if self.answers:
                self.sock.sendall(HEADER.pack(number, command, HEADER.size + 16, IS_REPLY, 0)
                                  + body[:16])
        if flags & COMMAND_ERROR:
            raise Refused(error)
        return body

    def config(self, devfn, register, value=None, length=4):
        """Read, or write, configuration space of a function."""
        at = devfn << 12 | register
        if value is None:
            return self.read(CFGBAR, at, length)
        return self.write(CFGBAR, at, value, length)

    def place_windows(self):
        for index, address in WINDOWS.items():
            self.write(CONFIG, BAR0 + 4 * index, address & ALL_ONES)
            if index == CFGBAR:
                self.write(CONFIG, BAR0 + 4, address >> 32)
        self.write(CONFIG, VMCONFIG, BYPASS)
        self.write(CONFIG, COMMAND, MEMORY_AND_MASTER, 2)
