# SPDX-License-Identifier: BSD-3-Clause
"""
What is measured, what it must reach, and whether it does.

A comparison with a peer whose own runs differ by more than NOISY_PERCENT says nothing: no verdict.
So it is with a ratio of two figures of ours when the one that it is measured against differs so.
"""

from typing import NamedTuple, Optional, Tuple

NOISY_PERCENT = 15


class Need(NamedTuple):
    """
    At least (or at most) factor times another field; without one, factor itself. The value is a
    ratio already if there is a field that it was measured against.
    """

    relation: str
    factor: float
    of: Optional[str] = None
    against: Optional[str] = None

    @property
    def peer(self):
        """The field that must not vary."""
        return self.of or self.against


class Row(NamedTuple):
    field: str
    what: str
    unit: str
    needs: Tuple[Need, ...] = ()


def at_least(factor, of=None):
    return Need(">=", factor, of)


def at_most(factor, of=None, against=None):
    return Need("<=", factor, of, against)


DATA_PATH = (
    Row("vf_64_mpps", "VF to VF, 64 B", "Mpps",
        (at_least(1.3, "dpdk_vhost_64_mpps"), at_least(2.5, "ovs_dpdk_64_mpps"))),
    Row("dpdk_vhost_64_mpps", "DPDK testpmd io over vhost-user, 64 B", "Mpps"),
    Row("ovs_dpdk_64_mpps", "Open vSwitch with DPDK, 64 B", "Mpps"),
    Row("ceiling_64_mpps", "one copy and nothing else, 64 B", "Mpps"),
    Row("vf_1500_gbps", "VF to VF, 1500 B", "Gbit/s",
        (at_least(1.3, "dpdk_vhost_1500_gbps"), at_least(1.8, "ovs_dpdk_1500_gbps"))),
    Row("dpdk_vhost_1500_gbps", "DPDK testpmd io over vhost-user, 1500 B", "Gbit/s"),
    Row("ovs_dpdk_1500_gbps", "Open vSwitch with DPDK, 1500 B", "Gbit/s"),
    Row("ceiling_1500_gbps", "one copy and nothing else, 1500 B", "Gbit/s"),
    Row("vf_imix_mpps", "VF to VF, IMIX", "Mpps"),
    Row("vf_256_mpps", "VF to VF, 256 B", "Mpps"),
    Row("vf_9000_gbps", "VF to VF, 9000 B", "Gbit/s"),
    Row("latency_p50_us", "one 64-B frame at a time, median", "us", (at_most(3),)),
    Row("latency_p99_us", "one 64-B frame at a time, 99 of 100", "us", (at_most(15),)),
    Row("scale_512_ratio", "cost per frame, 512 VFs (510 silent) over 2", "",
        (at_most(1.10, against="scale_512_alone_ns"),)),
    Row("scale_64_ratio", "cost per frame, 64 VFs sending over 2", "",
        (at_most(1.6, against="scale_64_alone_ns"),)),
    Row("tso_gbps", "TSO sends of 64 KiB cut to 1500-B frames", "Gbit/s",
        (at_least(0.6, "memcpy_gbps"),)),
    Row("memcpy_gbps", "memcpy of as many bytes", "Gbit/s"),
    Row("idle_cpu_percent", "64 VFs attached, no traffic", "% of a core", (at_most(2),)),
    Row("quiesce_us_max", "longest quiescing in a worker, another VF mapping", "us",
        (at_most(50),)),
    Row("quiesce_wall_p999_us", "a map and an unmap by the clock, 999 of 1000", "us"),
)

VM = (
    Row("vm_tcp_mbps", "TCP between guests, softiov VFs", "Mbit/s",
        (at_least(1.2, "vm_igb_mbps"),)),
    Row("vm_igb_mbps", "the same, QEMU igb, TAP, bridge", "Mbit/s"),
    Row("vm_virtio_mbps", "the same, virtio-net, TAP, bridge, vhost off", "Mbit/s"),
    Row("vm_host_cpu_per_gbit", "host CPU, softiov VFs", "s/Gbit",
        (at_most(0.5, "vm_igb_host_cpu_per_gbit"),)),
    Row("vm_igb_host_cpu_per_gbit", "host CPU, QEMU igb", "s/Gbit"),
    Row("vm_virtio_host_cpu_per_gbit", "host CPU, virtio-net", "s/Gbit"),
)


class Verdict(NamedTuple):
    text: str
    met: Optional[bool]     # None: no verdict


def judge(need, row, series):
    """Is a need met? Every field it names must have been measured."""
    reached = series.median(row.field)
    sign = "≥" if need.relation == ">=" else "≤"
    text = f"{sign} {need.factor:g}"
    if need.of:
        reached /= series.median(need.of)
        text += f" × {need.of}: {reached:.2f} ×"
    if need.peer and series.spread(need.peer) > NOISY_PERCENT:
        spread = series.spread(need.peer)
        return Verdict(f"{text}, no verdict: {need.peer} varied by {spread:.0f} %", None)
    met = reached >= need.factor if need.relation == ">=" else reached <= need.factor
    return Verdict(f"{text}, {'met' if met else 'NOT MET'}", met)


def noisy_peers(rows, series):
    """Fields that vary too much to compare with."""
    peers = {need.peer for row in rows for need in row.needs if need.peer}
    return sorted(peer for peer in peers if peer in series and series.spread(peer) > NOISY_PERCENT)


def missing(rows, series):
    return [row.field for row in rows if row.field not in series]


def number(value):
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(rows, series):
    """The rows that were measured, as text."""
    lines = [("field", "value", "unit", "runs", "spread", "must reach")]
    for row in rows:
        if row.field not in series:
            continue
        runs = len(series.values[row.field])
        spread = f"{series.spread(row.field):.0f} %" if runs > 1 else ""
        verdicts = [judge(need, row, series).text for need in row.needs
                    if need.peer is None or need.peer in series]
        lines.append((row.field, number(series.median(row.field)), row.unit, str(runs), spread,
                      verdicts[0] if verdicts else ""))
        lines.extend(("", "", "", "", "", verdict) for verdict in verdicts[1:])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    text = []
    for line in lines:
        cells = [cell.rjust(width) if column in (1, 3, 4) else cell.ljust(width)
                 for column, (cell, width) in enumerate(zip(line, widths))]
        text.append("  ".join(cells).rstrip())
    text.insert(1, "-" * max(map(len, text)))
    return "\n".join(text)


def shares(series):
    """How much of the ceiling ours reaches."""
    for ours, ceiling in (("vf_64_mpps", "ceiling_64_mpps"),
                          ("vf_1500_gbps", "ceiling_1500_gbps")):
        if ours in series and ceiling in series:
            share = series.median(ours) / series.median(ceiling)
            yield f"{ours} is {share:.2f} of {ceiling}"


def noise(series):
    """Peers without verdict, in one line each."""
    for peer in noisy_peers(DATA_PATH + VM, series):
        yield (f"too noisy for a verdict: the runs of {peer} differ by "
               f"{series.spread(peer):.0f} %, more than {NOISY_PERCENT} %: run again on a "
               "quieter machine")


def summary(series):
    """All there is to say."""
    return "\n".join([table(DATA_PATH + VM, series), "", *shares(series), *noise(series)]).rstrip()
