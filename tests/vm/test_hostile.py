# SPDX-License-Identifier: BSD-3-Clause
"""
A guest or a client that does its worst harms nobody else: two guests talk on while it does, and
its socket serves the next one.
"""

import os
import random
import struct
from contextlib import contextmanager

import pytest

from lab import wait_until
from vfio_user import (CONFIG, DMA_MAP, GET_INFO, GET_REGION, HEADER, READ, RESET, SET_IRQS,
                       VERSION, WRITE, Client, Refused, Vf)

VICTIM = "0000:07:10.6"     # the function that is played with


@contextmanager
def unharmed(pair):
    """A paced flow between two good guests loses nothing, and the daemon lives on."""
    listener = pair.b.start_bg("traffic paced-recv 7000").wait_for("listening")
    flow = pair.a.start_bg(f"traffic paced-send {pair.b.address} 7000 500 1500")
    pid = pair.daemon.process.pid
    yield
    assert flow.wait().rc == 0
    assert '"received": 1500, "missing": 0' in listener.wait().stdout
    assert pair.daemon.alive() and pair.daemon.show()["pid"] == pid


def serves_the_next(pair):
    free(pair)
    with Vf(pair.daemon.socket(VICTIM)) as vf:
        assert vf.mac == pair.daemon.function(VICTIM)["mac"]
    free(pair)


def free(pair):
    wait_until(lambda: pair.daemon.function(VICTIM)["attached"] is None, 30, "detachment")


def test_guest_scribbles_over_its_registers(pair, crew):
    mad = crew.guest("mad", vfs=[pair.daemon.socket(VICTIM)])
    mad.wait_ready()
    nic = mad.interface()
    mad.up(nic, "10.0.0.9/24")
    (_, address, _), = mad.interfaces("ixgbevf")
    with unharmed(pair):
        for seed in range(1, 9):
            mad.sh(f"traffic scribble {address} 0 {seed} 20000")
    mad.sh("rmmod ixgbevf && modprobe ixgbevf")
    mad.up(mad.interface(), "10.0.0.9/24")
    assert mad.ping(pair.a.address, 5)["loss"] == 0, "a new start mends it"
    mad.kill()
    serves_the_next(pair)


def test_guest_moves_its_rings_outside_its_memory(pair, crew):
    mad = crew.guest("mad", vfs=[pair.daemon.socket(VICTIM)])
    mad.wait_ready()
    nic = mad.interface()
    mad.up(nic, "10.0.0.9/24")
    (_, address, _), = mad.interfaces("ixgbevf")
    before = pair.daemon.function(VICTIM)["dma"]["faults"]
    with unharmed(pair):
        mad.sh(f"traffic poke {address} 0 0x2004 0x7777")     # VFTDBAH, ring enabled
        mad.sh(f"traffic poke {address} 0 0x2018 7")          # VFTDT
        wait_until(lambda: pair.daemon.function(VICTIM)["dma"]["faults"] > before, 30, "a fault")
    fault = pair.daemon.function(VICTIM)["faults"][0]
    assert fault["requester"] == VICTIM and fault["reason"]
    mad.kill()
    serves_the_next(pair)


def test_random_descriptors(pair):
    """Every bit of a descriptor can be anything; addresses are half the time the ring's own."""
    dice = random.Random(7)
    with unharmed(pair):
        with Vf(pair.daemon.socket(VICTIM)) as vf:
            for _ in range(3000):
                address = dice.choice([vf.IOVA + dice.randrange(vf.SIZE), dice.getrandbits(64)])
                vf.send_descriptor(address, dice.getrandbits(32) | dice.choice([0, 3 << 24]),
                                   status=dice.getrandbits(32))
        serves_the_next(pair)


def test_random_registers(pair):
    dice = random.Random(8)
    with unharmed(pair):
        with Vf(pair.daemon.socket(VICTIM)) as vf:
            for _ in range(4000):
                vf.write(0, 4 * dice.randrange(4096), dice.getrandbits(32))
                vf.read(0, 4 * dice.randrange(4096))
            for _ in range(500):
                vf.write(CONFIG, 4 * dice.randrange(1024), dice.getrandbits(32))
        serves_the_next(pair)


def message(command, body=b"", size=None, flags=0):
    return HEADER.pack(1, command, HEADER.size + len(body) if size is None else size, flags,
                       0) + body


HANDSHAKE = message(VERSION, struct.pack("<HH", 0, 0) + b"{}\0")
BEFORE_VERSION = [
    b"GET / HTTP/1.0\r\n\r\n",
    b"\0" * 64,
    b"\xff" * 4096,
    message(VERSION, size=3),
    message(VERSION, size=0xffffffff),
    message(VERSION, b"\0"),
    message(VERSION, struct.pack("<HH", 7, 0) + b"{}\0"),
    message(VERSION, struct.pack("<HH", 0, 0) + b"{" * 3000 + b"\0"),
    message(VERSION, struct.pack("<HH", 0, 0) + b'{"capabilities":{"max_msg_fds":-1}}\0'),
    message(GET_INFO, bytes(16)),
    message(VERSION, flags=1),
]
AFTER_VERSION = [
    message(READ, size=15),
    message(READ, size=1 << 31),
    message(99, bytes(8)),
    message(GET_INFO),
    message(GET_INFO, bytes(16)),
    message(GET_REGION, struct.pack("<IIIIQQ", 32, 0, 77, 0, 0, 0)),
    message(READ, struct.pack("<QII", 1 << 63, 0, 4)),
    message(READ, struct.pack("<QII", 0xfffffffffffffffe, 0, 4)),
    message(READ, struct.pack("<QII", 0, 0, 0xffffffff)),
    message(WRITE, struct.pack("<QII", 0, 0, 64) + bytes(4)),
    message(DMA_MAP, struct.pack("<IIQQQ", 32, 3, 0, 0xfffffffffffff000, 0x2000)),
    message(DMA_MAP, struct.pack("<IIQQQ", 32, 0xff, 0, 0, 0x1000)),
    message(DMA_MAP, struct.pack("<IIQQQ", 32, 3, 0, 1, 1)),
    message(SET_IRQS, struct.pack("<IIIII", 20, 0x24, 2, 0xffffffff, 2)),
    message(SET_IRQS, struct.pack("<IIIII", 20, 0xffffffff, 2, 0, 3)),
    message(VERSION, struct.pack("<HH", 0, 0) + b"{}\0"),
    message(GET_INFO, bytes(16), flags=1),
]


def test_malformed_messages(pair):
    with unharmed(pair):
        for handshake, messages in ((b"", BEFORE_VERSION), (HANDSHAKE, AFTER_VERSION)):
            for nonsense in messages:
                with Client(pair.daemon.socket(VICTIM), version=False) as client:
                    client.sock.sendall(handshake + nonsense)
                    client.sock.settimeout(0.05)
                    client.closed()
                free(pair)
    assert pair.daemon.function(VICTIM)["message_errors"] > 5


def test_message_in_crumbs_and_a_silent_client(pair):
    with Client(pair.daemon.socket(VICTIM), version=False) as slow:
        with pytest.raises((Refused, ConnectionError)):
            Client(pair.daemon.socket(pair.a.function))
        for byte in HANDSHAKE:
            slow.sock.sendall(bytes([byte]))
        slow.number = 1
        assert b"capabilities" in slow.reply()
        slow.sock.sendall(message(READ, struct.pack("<QII", 8, 0, 4))[:20])     # and no more
        with_time = pair.a.ping(pair.b.address, 5)
        assert with_time["loss"] == 0
    serves_the_next(pair)


def test_random_bytes(pair):
    dice = random.Random(9)
    with unharmed(pair):
        for number in range(60):
            with Client(pair.daemon.socket(VICTIM), version=False) as client:
                noise = dice.randbytes(dice.randrange(1, 2000))
                try:
                    client.sock.sendall((HANDSHAKE if number % 2 else b"") + noise)
                except ConnectionError:
                    pass
            free(pair)


def test_wrong_files(pair):
    """File descriptors of every kind where memory or an eventfd should be; none may stay open."""
    files = f"/proc/{pair.daemon.process.pid}/fd"
    pipe = os.pipe()
    memory = os.memfd_create("short")
    os.ftruncate(memory, 4096)
    others = [os.open("/dev/zero", os.O_RDWR), os.open("/", os.O_RDONLY), *pipe,
              os.open("/dev/null", os.O_RDWR), memory]
    with unharmed(pair):
        before = len(os.listdir(files))
        with Client(pair.daemon.socket(VICTIM)) as client:
            for fd in others:
                with pytest.raises(Refused):
                    client.dma_map(0x10000000, 1 << 20, fd)
                with pytest.raises(Refused):
                    client.call(SET_IRQS, struct.pack("<IIIII", 20, 0x24, 2, 0, 1), [fd])
                with pytest.raises(Refused):
                    client.call(GET_INFO, bytes(16)[:8], [fd, fd])
            client.call(RESET)
        serves_the_next(pair)
        wait_until(lambda: len(os.listdir(files)) <= before, 30, "closed files")
    for fd in others:
        os.close(fd)


def test_memory_that_shrinks(pair):
    """The client cuts its memory file under the card's feet."""
    with unharmed(pair):
        with Vf(pair.daemon.socket(VICTIM)) as vf:
            os.ftruncate(vf.fd, 0)
            for number in range(8):
                try:
                    vf.set(0x2018, number)
                except (Refused, ConnectionError):
                    break
        serves_the_next(pair)
