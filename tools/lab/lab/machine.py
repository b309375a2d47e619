# SPDX-License-Identifier: BSD-3-Clause
"""Whatever runs shell commands and has network interfaces: a guest, or a namespace of this host."""

import json
import re
import signal

from .util import LabError, wait_until


class Machine:
    """A child class gives name and start_bg()."""

    name = "?"

    def start_bg(self, line, stdin=b""):
        """
        Start a shell command; returns the Command. With stdin=None its input stays open for
        Command.write().
        """
        raise NotImplementedError

    def run(self, line, timeout=60, stdin=b""):
        """Run a shell command; returns its Result."""
        return self.start_bg(line, stdin).wait(timeout)

    def sh(self, line, timeout=60, stdin=b""):
        """Run a shell command that must succeed; returns its standard output."""
        result = self.run(line, timeout, stdin)
        if result.rc != 0:
            raise LabError(f"{self.name}: '{line}' ended with {result.rc}\n"
                           f"{result.stdout}{result.stderr}")
        return result.stdout

    # Its network

    def carrier(self, interface):
        return self.run(f"cat /sys/class/net/{interface}/carrier").stdout.strip() == "1"

    def up(self, interface, address=None, mtu=None, timeout=20):
        """Bring an interface up, maybe with address/prefix and MTU; waits for the carrier."""
        if mtu:
            self.sh(f"ip link set {interface} mtu {mtu}")
        if address:
            self.sh(f"ip addr replace {address} dev {interface}")
        self.sh(f"ip link set {interface} up")
        wait_until(lambda: self.carrier(interface), timeout, f"{self.name}: link of {interface}")

    def mac(self, interface):
        return self.sh(f"cat /sys/class/net/{interface}/address").strip()

    def ethtool_stats(self, interface):
        return {name: int(value) for name, value in
                re.findall(r"^\s+(.+?): (\d+)$", self.sh(f"ethtool -S {interface}"), re.M)}

    def link_stats(self, interface):
        """The kernel's counters: {"rx_packets": ..., "tx_bytes": ..., ...}."""
        shown = json.loads(self.sh(f"ip -j -s link show dev {interface}"))[0]["stats64"]
        return {f"{way}_{name}": value
                for way in ("rx", "tx") for name, value in shown[way].items()}

    # Traffic

    def ping(self, address, count=3, size=56, interval=0.2, args="", timeout=None):
        """
        Ping; returns a dict: sent, received, loss (per cent) and, if any came back, min, avg and
        max (ms).
        """
        result = self.run(f"ping -q -n -c {count} -s {size} -i {interval} -W 2 {args} {address}",
                          timeout or count * interval + 20)
        match = re.search(r"(\d+) packets transmitted, (\d+) received,.*?([\d.]+)% packet loss",
                          result.stdout)
        if not match:
            raise LabError(f"{self.name}: ping {address}: {result.stdout}{result.stderr}")
        stats = {"sent": int(match[1]), "received": int(match[2]), "loss": float(match[3])}
        times = re.search(r"= ([\d.]+)/([\d.]+)/([\d.]+)/", result.stdout)
        if times:
            stats.update(min=float(times[1]), avg=float(times[2]), max=float(times[3]))
        return stats


def iperf3(server, client, address, seconds=5, args="", port=5201):
    """
    Run iperf3 from client to server, where server has address. Returns iperf3's own report with
    one figure more, "mbits": the receiver's throughput in Mbit/s.
    """
    listener = server.start_bg(f"iperf3 -s -1 -p {port} --forceflush")
    try:
        listener.wait_for("Server listening")
        result = client.run(f"iperf3 -J -c {address} -p {port} -t {seconds} {args}", seconds + 40)
        report = json.loads(result.stdout or "{}")
        if result.rc or "error" in report or not report:
            raise LabError(f"{client.name}: iperf3: {report.get('error')}{result.stderr}")
    finally:
        if listener.running():
            listener.stop(signal.SIGKILL)
    end = report["end"]
    total = end.get("sum_received") or end["sum"]
    if "sum_bidir_reverse" in end:
        total = end["sum"]
    report["mbits"] = total["bits_per_second"] / 1e6
    return report


def traffic(sender, receiver, send, receive, timeout=60):
    """
    Run traffic (tests/vm/guest/traffic.c) on both sides; returns the receiver's exit status and
    its report.
    """
    listener = receiver.start_bg(f"traffic {receive}")
    listener.wait_for("listening")
    sender.sh(f"traffic {send}", timeout)
    result = listener.wait(timeout)
    if not result.stdout.strip().endswith("}"):
        raise LabError(f"{receiver.name}: traffic {receive}: {result}")
    return result.rc, json.loads(result.stdout.splitlines()[-1])
