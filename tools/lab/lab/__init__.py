# SPDX-License-Identifier: BSD-3-Clause
"""
Real guests for tests and the demo: start a softiovd, plug its functions into QEMU guests, run
commands in them.

    with Daemon(config) as daemon, Guest("a", vfs=[daemon.socket("0000:07:10.0")]) as guest:
        guest.wait_ready()
        print(guest.sh("ethtool -i eth0"))

A guest is a stock Debian kernel with an initramfs (tools/lab/initramfs) whose first process, the
agent (tests/vm/guest/agent.c), runs commands for Guest.run(). Nothing in here needs root.

The lab must be there (tools/lab/prepare). Guests of different runs would starve each other of
processor time, so a lock is held while any guest of this process lives.
"""

from .card import CardGuest, GuestNamespace, count_frames
from .command import Result
from .daemon import Daemon, simple_card
from .guest import Guest
from .machine import iperf3, traffic
from .namespace import Namespace
from .netdev import Netdev
from .util import BUILD, REPO, LabError, program, tail, tool, wait_until

__all__ = ["BUILD", "REPO", "CardGuest", "Daemon", "Guest", "GuestNamespace", "LabError",
           "Namespace", "Netdev", "Result", "count_frames", "iperf3", "program", "simple_card",
           "tail", "tool", "traffic", "wait_until"]
