# SPDX-License-Identifier: BSD-3-Clause
"""A shell on a guest's serial console, where the kernel may write into any line."""

import os
import re
import select
import socket
import time

from lab import LabError

BOOTED = "softiov: a shell on the console"      # says tests/vm/guest/init


class Shell:
    """A root shell behind two file descriptors: what it prints, and what is typed."""

    def __init__(self, name, prints, types):
        self.name = name
        self.prints = prints
        self.types = types
        self.text = ""

    def wait_for(self, pattern, timeout=60):
        """Read until the pattern is there; returns its match. What was before it is dropped."""
        end = time.monotonic() + timeout
        while True:
            match = re.search(pattern, self.text)
            if match:
                self.text = self.text[match.end():]
                return match
            left = max(0, end - time.monotonic())
            if not select.select([self.prints], [], [], left)[0]:
                raise LabError(f"{self.name}: no {pattern!r} within {timeout} s\n{self.text}")
            data = os.read(self.prints, 65536)
            if not data:
                raise LabError(f"{self.name}: the console ended\n{self.text}")
            self.text += data.decode(errors="replace").replace("\r", "")

    def type(self, line):
        os.write(self.types, f"{line}\n".encode())

    def sh(self, line, timeout=60):
        """Run a line that must succeed; returns what it prints."""
        # The quotes tell the marks from their echo, into which a prompt or the kernel may write;
        # dmesg keeps the kernel out of all that comes after it.
        self.type(f"dmesg -n 1; echo be''gin; {line}; echo sta''tus=$?.")
        text = self.wait_for(r"(?s)begin\n(.*?)status=(\d+)\.\n", timeout)
        if text[2] != "0":
            raise LabError(f"{self.name}: '{line}' ended with {text[2]}\n{text[1]}")
        return text[1]


class SocketShell(Shell):
    """
    On the Unix socket of a VM's console. A client that is connected and does not read would hold
    the guest's console up: close it soon.
    """

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        super().__init__(path, self.socket.fileno(), self.socket.fileno())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
