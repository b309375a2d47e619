# SPDX-License-Identifier: BSD-3-Clause
"""QEMU's monitor."""

import itertools
import json
import socket
import threading

from .util import LabError


class Qmp:
    """QEMU's monitor. Events are kept; on_event is called with each, on the reader's thread."""

    def __init__(self, path, on_event):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(path))
        self.stream = self.sock.makefile("r")
        self.on_event = on_event
        self.events = []
        self.news = threading.Condition()
        self.replies = {}
        self.closed = False
        self.numbers = itertools.count(1)
        self.stream.readline()      # the greeting
        threading.Thread(target=self._read, daemon=True).start()
        self.execute("qmp_capabilities")

    def _read(self):
        try:
            for line in self.stream:
                message = json.loads(line)
                with self.news:
                    if "event" in message:
                        self.events.append(message)
                    else:
                        self.replies[message.get("id")] = message
                    self.news.notify_all()
                if "event" in message:
                    self.on_event(message)
        except (OSError, ValueError):
            pass
        with self.news:
            self.closed = True
            self.news.notify_all()

    def execute(self, command, timeout=20, **arguments):
        number = next(self.numbers)
        request = {"execute": command, "arguments": arguments, "id": number}
        try:
            self.sock.sendall(json.dumps(request).encode())
        except OSError as error:
            raise LabError(f"QMP {command}: {error}") from error
        with self.news:
            if not self.news.wait_for(lambda: number in self.replies or self.closed, timeout):
                raise LabError(f"QMP {command}: no answer within {timeout} s")
            reply = self.replies.pop(number, None)
        if reply is None:
            raise LabError(f"QMP {command}: QEMU has gone")
        if "error" in reply:
            raise LabError(f"QMP {command}: {reply['error']['desc']}")
        return reply["return"]

    def count(self, event):
        return sum(e["event"] == event for e in self.events)

    def close(self):
        self.sock.close()
