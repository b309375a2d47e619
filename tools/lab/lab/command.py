# SPDX-License-Identifier: BSD-3-Clause
"""Shell commands under way, in a guest or here, and how they ended."""

import os
import signal
import subprocess
import threading
from typing import NamedTuple, Optional

from .util import LabError, die_with_parent, wait_until

STDOUT, STDERR = 1, 2


class Result(NamedTuple):
    """
    What a command did. rc is its exit status, 128 + n after signal n, None if its machine went
    away.
    """

    rc: Optional[int]
    stdout: str
    stderr: str


class Command:
    """A command under way. Whoever runs it fills output and rc, then sets ended."""

    def __init__(self, where, line):
        self.where, self.line = where, line
        self.output = {STDOUT: bytearray(), STDERR: bytearray()}
        self.rc = None
        self.ended = threading.Event()

    @property
    def stdout(self):
        return bytes(self.output[STDOUT]).decode(errors="replace")

    @property
    def stderr(self):
        return bytes(self.output[STDERR]).decode(errors="replace")

    def running(self):
        return not self.ended.is_set()

    def kill(self, number=signal.SIGTERM):
        raise NotImplementedError

    def write(self, data):
        """To its standard input; no bytes: end of file. Only if started with stdin=None."""
        raise NotImplementedError

    def _complain(self, what):
        raise LabError(f"{self.where}: '{self.line}' {what}\n{self.stdout}{self.stderr}")

    def wait(self, timeout=60):
        """Its Result. Kills it and raises if it takes longer than timeout seconds."""
        if not self.ended.wait(timeout):
            self.kill(signal.SIGKILL)
            self._complain(f"took more than {timeout} s")
        return Result(self.rc, self.stdout, self.stderr)

    def wait_for(self, text, timeout=20):
        """Until its standard output holds text."""
        def seen():
            running = self.running()
            if text not in self.stdout and not running:
                self._complain(f"ended without '{text}'")
            return text in self.stdout
        wait_until(seen, timeout, f"{self.where}: '{text}' from '{self.line}'")
        return self

    def stop(self, number=signal.SIGTERM, timeout=10):
        """Signal it and wait."""
        self.kill(number)
        return self.wait(timeout)


class LocalCommand(Command):
    """A shell command on this machine; prefix is put before the shell."""

    def __init__(self, where, line, stdin=b"", prefix=()):
        super().__init__(where, line)
        self.process = subprocess.Popen(
            [*prefix, "sh", "-c", line], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, preexec_fn=die_with_parent, start_new_session=True)
        self.readers = [threading.Thread(target=self._read, args=pair, daemon=True)
                        for pair in ((self.process.stdout, STDOUT), (self.process.stderr, STDERR))]
        for reader in self.readers:
            reader.start()
        threading.Thread(target=self._reap, daemon=True).start()
        if stdin is not None:
            self.write(stdin)
            if stdin:
                self.write(b"")

    def _read(self, stream, kind):
        for chunk in iter(lambda: stream.read1(65536), b""):
            self.output[kind] += chunk

    def _reap(self):
        for reader in self.readers:
            reader.join()
        status = self.process.wait()
        self.rc = status if status >= 0 else 128 - status
        self.ended.set()

    def kill(self, number=signal.SIGTERM):
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    def write(self, data):
        try:
            if data:
                self.process.stdin.write(data)
                self.process.stdin.flush()
            else:
                self.process.stdin.close()
        except BrokenPipeError:
            pass
