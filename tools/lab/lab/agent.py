# SPDX-License-Identifier: BSD-3-Clause
"""Our end of a guest's agent. tests/vm/guest/agent.c describes the frames."""

import contextlib
import itertools
import os
import signal
import socket
import struct
import threading

from .command import STDERR, STDOUT, Command
from .util import LabError


class GuestCommand(Command):
    """A command under way in a guest."""

    def __init__(self, agent, number, line):
        super().__init__(agent.name, line)
        self.agent, self.number = agent, number

    def kill(self, number=signal.SIGTERM):
        self.agent.send(Agent.SIGNAL, self.number, struct.pack("<i", number))

    def write(self, data):
        for at in range(0, len(data), 32768):
            self.agent.send(Agent.STDIN, self.number, data[at:at + 32768])
        if not data:
            self.agent.send(Agent.STDIN, self.number)


class Agent:
    """The connection to a guest's agent."""

    HELLO, RUN, STDIN, SIGNAL, STDOUT, STDERR, EXIT = range(1, 8)
    MAGIC = 0x41495453
    HEADER = struct.Struct("<IIII")

    def __init__(self, name, path):
        self.name, self.path = name, path
        self.numbers = itertools.count(1)
        self.commands = {}
        self.lock = threading.Lock()
        self.greeted = threading.Event()
        self.sock = None

    def connect(self):
        """Connect, afresh after a guest reset: what was under way is over."""
        self.close()
        self.greeted.clear()
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(str(self.path))
        with self.lock:
            self.sock = sock
        threading.Thread(target=self._read, args=(sock,), daemon=True).start()

    def greet(self):
        """Ask whether the agent is there; again and again: firmware may read the port first."""
        self.send(self.HELLO, 0)

    def _take(self):
        """Forget socket and commands under way; returns both."""
        with self.lock:
            sock, self.sock = self.sock, None
            lost, self.commands = self.commands, {}
        return sock, lost.values()

    def close(self):
        sock, lost = self._take()
        if sock:
            with contextlib.suppress(OSError):      # the reader has closed it just now
                sock.shutdown(socket.SHUT_RDWR)
        for command in lost:
            command.ended.set()

    def send(self, kind, number, payload=b""):
        with self.lock:
            if not self.sock:
                return
            header = self.HEADER.pack(self.MAGIC, kind, number, len(payload))
            try:
                self.sock.sendall(header + payload)
            except OSError:     # the reader notices, too
                pass

    def start(self, line, stdin=b""):
        command = GuestCommand(self, next(self.numbers), line)
        with self.lock:
            if not self.sock:
                raise LabError(f"{self.name}: no guest to run '{line}'")
            self.commands[command.number] = command
        self.send(self.RUN, command.number, line.encode())
        if stdin is not None:
            if stdin:
                command.write(stdin)
            command.write(b"")
        return command

    def _read(self, sock):
        data = bytearray()
        while True:
            try:
                chunk = sock.recv(1 << 18)
            except OSError:
                chunk = b""
            if not chunk:
                break
            data += chunk
            del data[:self._frames(sock, data)]
        sock.close()
        if sock is self.sock:
            for command in self._take()[1]:
                command.ended.set()

    def _frames(self, sock, data):
        """Handle the whole frames in data; returns how many bytes they were."""
        at = 0
        while len(data) - at >= self.HEADER.size:
            magic, kind, number, length = self.HEADER.unpack_from(data, at)
            if magic != self.MAGIC:
                at += 1
                continue
            start = at + self.HEADER.size
            if len(data) < start + length:
                break
            if sock is self.sock:
                self._handle(kind, number, bytes(data[start:start + length]))
            at = start + length
        return at

    def _handle(self, kind, number, payload):
        command = self.commands.get(number)
        if kind == self.HELLO:
            self.greeted.set()
        elif command and kind == self.EXIT:
            status, = struct.unpack("<i", payload)
            command.rc = (os.WEXITSTATUS(status) if os.WIFEXITED(status)
                          else 128 + os.WTERMSIG(status))
            del self.commands[number]
            command.ended.set()
        elif command and kind in (self.STDOUT, self.STDERR):
            command.output[STDOUT if kind == self.STDOUT else STDERR] += payload
