# SPDX-License-Identifier: BSD-3-Clause
"""
A device driver's view of a VF, in a few lines of Python: vfio-user by hand and as much of an 82599
VF driver as it takes to put any descriptor into a ring. Tests use it as the guest that no decent
kernel would be. Written from the protocol's description, not from the code under test.
"""

import json
import mmap
import os
import socket
import struct
import time

VERSION, DMA_MAP, DMA_UNMAP, GET_INFO, GET_REGION, _, GET_IRQ, SET_IRQS, READ, WRITE = range(1, 11)
RESET = 13
HEADER = struct.Struct("<HHIII")
CONFIG = 7          # region
COMMAND_ERROR = 0x20
RING = 64

# Registers of the VF
VFCTRL, VFSTATUS, VFMAILBOX, VFMBMEM = 0x0, 0x8, 0x2fc, 0x200
RX, TX = 0x1000, 0x2000
BAL, BAH, LEN, HEAD, SRRCTL, TAIL, CTL = 0x0, 0x4, 0x8, 0x10, 0x14, 0x18, 0x28
ENABLE = 1 << 25


class Refused(Exception):
    """The server answered with an error; the argument is its errno."""


class Client:
    """A connection to a function's socket."""

    def __init__(self, path, version=True):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(5)
        self.sock.connect(str(path))
        self.number = 0
        if version:
            offer = json.dumps({"capabilities": {"max_msg_fds": 8}}).encode() + b"\0"
            self.call(VERSION, struct.pack("<HH", 0, 0) + offer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def closed(self):
        """Has the server hung up? Waits a moment for it."""
        try:
            while self.sock.recv(65536):
                pass
            return True
        except ConnectionError:
            return True
        except socket.timeout:
            return False

    def send(self, command, body=b"", fds=(), flags=0, size=None):
        self.number = (self.number + 1) & 0xffff
        size = HEADER.size + len(body) if size is None else size
        header = HEADER.pack(self.number, command, size, flags, 0)
        socket.send_fds(self.sock, [header + body], list(fds))
        return self.number

    def _exactly(self, length):
        data = b""
        while len(data) < length:
            more = self.sock.recv(length - len(data))
            if not more:
                raise ConnectionError("the server hung up")
            data += more
        return data

    def reply(self):
        number, _, size, flags, error = HEADER.unpack(self._exactly(HEADER.size))
        body = self._exactly(size - HEADER.size)
        assert number == self.number and flags & 0xf == 1
        if flags & COMMAND_ERROR:
            raise Refused(error)
        return body

    def call(self, command, body=b"", fds=()):
        self.send(command, body, fds)
        return self.reply()

    def read(self, region, offset, length=4):
        body = self.call(READ, struct.pack("<QII", offset, region, length))
        return int.from_bytes(body[16:], "little")

    def write(self, region, offset, value, length=4):
        self.call(WRITE, struct.pack("<QII", offset, region, length)
                  + value.to_bytes(length, "little"))

    def dma_map(self, iova, size, fd=None, offset=0, flags=3):
        self.call(DMA_MAP, struct.pack("<IIQQQ", 32, flags, offset, iova, size),
                  [] if fd is None else [fd])

    def dma_unmap(self, iova, size):
        self.call(DMA_UNMAP, struct.pack("<IIQQ", 24, 0, iova, size))


class Vf(Client):
    """
    A VF with one receive and one transmit ring, in memory of its own that the card sees at IOVA.
    Ring positions are the caller's business beyond what send_descriptor() does.
    """

    IOVA = 0x100000
    SIZE = 1 << 20
    RX_RING, TX_RING, RX_BUFFERS, TX_BUFFER = 0, 0x1000, 0x2000, 0x80000

    def __init__(self, path):
        super().__init__(path)
        self.fd = os.memfd_create("vf", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self.fd, self.SIZE)
        self.memory = mmap.mmap(self.fd, self.SIZE)
        self.dma_map(self.IOVA, self.SIZE, self.fd)
        self.write(CONFIG, 4, 6, 2)     # Command: memory space, bus master
        self.mac = self._reset()
        self._enable()
        self.tail = 0

    def __exit__(self, *_):
        super().__exit__()
        os.close(self.fd)

    def reg(self, offset):
        return self.read(0, offset)

    def set(self, offset, value):
        self.write(0, offset, value)

    def _mailbox(self, *words):
        self.set(VFMAILBOX, 4)
        for number, word in enumerate(words):
            self.set(VFMBMEM + 4 * number, word)
        self.set(VFMAILBOX, 1)
        end = time.monotonic() + 3
        while not self.reg(VFMAILBOX) & 0x10:
            assert time.monotonic() < end, "the PF does not answer"
        answer = [self.reg(VFMBMEM + 4 * number) for number in range(4)]
        self.set(VFMAILBOX, 2)
        return answer

    def _reset(self):
        self.set(VFCTRL, 1 << 26)
        end = time.monotonic() + 3
        while self.reg(VFMAILBOX) & 0xc0:
            assert time.monotonic() < end, "the PF is not up"
        answer = self._mailbox(1)
        assert answer[0] == 0x80000001
        mac = struct.pack("<II", *answer[1:3])[:6]
        self._mailbox(8, 2)     # API 1.1
        return ":".join(f"{byte:02x}" for byte in mac)

    def _enable(self):
        for number in range(RING):
            struct.pack_into("<QQ", self.memory, self.RX_RING + 16 * number,
                             self.IOVA + self.RX_BUFFERS + 2048 * number, 0)
        for page, ring in ((RX, self.RX_RING), (TX, self.TX_RING)):
            self.set(page + BAL, self.IOVA + ring)
            self.set(page + BAH, 0)
            self.set(page + LEN, RING * 16)
            self.set(page + HEAD, 0)
            self.set(page + TAIL, 0)
        self.set(RX + SRRCTL, 1 << 25 | 2)
        self.set(RX + CTL, ENABLE)
        self.set(TX + CTL, ENABLE)
        self.reg(VFSTATUS)
        self.set(RX + TAIL, RING - 1)

    def send_descriptor(self, address, command, length=64, status=None):
        """One descriptor, whatever is in it, and the tail past it."""
        status = length << 14 if status is None else status
        struct.pack_into("<QII", self.memory, self.TX_RING + 16 * self.tail, address,
                         command, status)
        self.tail = (self.tail + 1) % RING
        self.set(TX + TAIL, self.tail)

    def send_frame(self, frame, address=None):
        """A whole frame; its bytes are at address instead of in this VF's memory, if given."""
        self.memory[self.TX_BUFFER:self.TX_BUFFER + len(frame)] = frame
        data = 3 << 20 | 1 << 24 | 1 << 25 | 1 << 27 | 1 << 29     # data, EOP, IFCS, RS, DEXT
        self.send_descriptor(self.IOVA + self.TX_BUFFER if address is None else address,
                             data | len(frame), len(frame))

    def sent(self):
        """Has the card finished with the last descriptor?"""
        last = self.TX_RING + 16 * ((self.tail - 1) % RING)
        return bool(struct.unpack_from("<I", self.memory, last + 12)[0] & 1)
