# SPDX-License-Identifier: BSD-3-Clause
"""
Bar charts as SVG files.

A bar is the median of a field's runs, a dot each run, a tick what the bar must reach. softiov is in
one colour, everything it is compared with in grey.
"""

from typing import NamedTuple, Optional
from xml.sax.saxutils import escape

OURS, PEER, INK, FAINT, MARK = "#2563a8", "#9aa3ad", "#1f2933", "#d5dae0", "#c2410c"
WIDTH, LABEL_WIDTH, VALUE_WIDTH = 760, 230, 110
BAR, GAP, HEAD, FOOT = 22, 14, 54, 30
FONT = "font-family='sans-serif'"


class Bar(NamedTuple):
    label: str
    field: str
    ours: bool
    need: Optional[float] = None    # what it must reach


def _scale(largest):
    """A round number that is not smaller, for the axis."""
    step = 10.0 ** (len(str(int(largest))) - 1) if largest >= 1 else 0.1
    for factor in (1, 1.5, 2, 3, 4, 5, 6, 8, 10):
        if largest <= factor * step:
            return factor * step
    return largest


def _text(x, y, text, size=13, anchor="start", colour=INK, weight="normal"):
    return (f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' text-anchor='{anchor}' "
            f"fill='{colour}' font-weight='{weight}' {FONT}>{escape(text)}</text>")


def _grid(full, top, bottom, across):
    lines = []
    for part in range(5):
        x = LABEL_WIDTH + across * part / 4
        lines.append(f"<line x1='{x:.1f}' y1='{top}' x2='{x:.1f}' y2='{bottom}' "
                     f"stroke='{FAINT}'/>")
        lines.append(_text(x, bottom + 16, f"{full * part / 4:g}", 11, "middle", "#5f6b77"))
    return lines


def _bar(bar, values, middle, y, full, across):
    colour = OURS if bar.ours else PEER
    parts = [_text(LABEL_WIDTH - 8, y + BAR * 0.7, bar.label, anchor="end"),
             f"<rect x='{LABEL_WIDTH}' y='{y}' width='{across * middle / full:.1f}' "
             f"height='{BAR}' fill='{colour}' rx='2'/>"]
    for value in values:
        parts.append(f"<circle cx='{LABEL_WIDTH + across * value / full:.1f}' "
                     f"cy='{y + BAR / 2}' r='2.5' fill='{INK}' fill-opacity='0.55'/>")
    if bar.need:
        x = LABEL_WIDTH + across * bar.need / full
        parts.append(f"<line x1='{x:.1f}' y1='{y - 4}' x2='{x:.1f}' y2='{y + BAR + 4}' "
                     f"stroke='{MARK}' stroke-width='2.5'/>")
    end = LABEL_WIDTH + across * max(*values, middle, bar.need or 0) / full
    parts.append(_text(end + 8, y + BAR * 0.7, f"{middle:.3g}", weight="bold"))
    return parts


def chart(path, title, note, bars, series):
    """Draw the bars whose fields were measured; draws nothing if there are none."""
    bars = [bar for bar in bars if bar.field in series]
    if not bars:
        return False
    across = WIDTH - LABEL_WIDTH - VALUE_WIDTH
    bottom = HEAD + len(bars) * (BAR + GAP)
    largest = max(max(*series.values[bar.field], 0, bar.need or 0) for bar in bars)
    full = _scale(largest) or 1
    parts = [f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{bottom + FOOT}' "
             f"viewBox='0 0 {WIDTH} {bottom + FOOT}'>",
             "<rect width='100%' height='100%' fill='white'/>",
             _text(16, 24, title, 16, weight="bold"), _text(16, 42, note, 12, colour="#5f6b77")]
    parts += _grid(full, HEAD, bottom, across)
    for number, bar in enumerate(bars):
        parts += _bar(bar, series.values[bar.field], series.median(bar.field),
                      HEAD + GAP / 2 + number * (BAR + GAP), full, across)
    path.write_text("\n".join([*parts, "</svg>"]) + "\n")
    return True


def _times(factor, field, series):
    return factor * series.median(field) if field in series else None


def _highest(*needs):
    return max((need for need in needs if need), default=None)


LEGEND = "bar: median, dots: the runs, tick: what it must reach"


def _throughput(folder, series):
    """Ours beside its peers, for the two sizes that have requirements."""
    for size, unit, dpdk, ovs in (("64", "mpps", 1.3, 2.5), ("1500", "gbps", 1.3, 1.8)):
        suffix = f"{size}_{unit}"
        need = _highest(_times(dpdk, f"dpdk_vhost_{suffix}", series),
                        _times(ovs, f"ovs_dpdk_{suffix}", series))
        yield chart(folder / f"throughput-{size}.svg",
                    f"Frames of {size} bytes through one core, both directions",
                    f"{'Mpps' if unit == 'mpps' else 'Gbit/s'}; {LEGEND}",
                    [Bar("softiov, VF to VF", f"vf_{suffix}", True, need),
                     Bar("DPDK vhost, port to port", f"dpdk_vhost_{suffix}", False),
                     Bar("Open vSwitch with DPDK", f"ovs_dpdk_{suffix}", False),
                     Bar("one copy, nothing else", f"ceiling_{suffix}", False)], series)


def _own(folder, series):
    """Figures without a peer."""
    yield chart(folder / "latency.svg", "One frame of 64 bytes at a time, VF to VF",
                f"microseconds; {LEGEND}",
                [Bar("median", "latency_p50_us", True, 3),
                 Bar("99 of 100", "latency_p99_us", True, 15)], series)
    yield chart(folder / "scale.svg", "Cost of a frame with many VFs, over 2 VFs",
                f"times; {LEGEND}",
                [Bar("512 VFs, 510 silent", "scale_512_ratio", True, 1.10),
                 Bar("64 VFs, all sending", "scale_64_ratio", True, 1.6)], series)
    yield chart(folder / "sizes.svg", "Frames per second by size, VF to VF", f"Mpps; {LEGEND}",
                [Bar("64 bytes", "vf_64_mpps", True), Bar("256 bytes", "vf_256_mpps", True),
                 Bar("IMIX", "vf_imix_mpps", True)], series)
    yield chart(folder / "tso.svg", "64-KiB TSO sends, cut to 1500-byte frames",
                f"Gbit/s; {LEGEND}",
                [Bar("softiov, VF to VF", "tso_gbps", True, _times(0.6, "memcpy_gbps", series)),
                 Bar("memcpy", "memcpy_gbps", False)], series)


def _guests(folder, series):
    yield chart(folder / "vm-throughput.svg", "TCP between two guests, MTU 1500",
                f"Mbit/s; {LEGEND}",
                [Bar("softiov VFs", "vm_tcp_mbps", True, _times(1.2, "vm_igb_mbps", series)),
                 Bar("QEMU igb, TAP, bridge", "vm_igb_mbps", False),
                 Bar("virtio-net, TAP, bridge", "vm_virtio_mbps", False)], series)
    yield chart(folder / "vm-cost.svg", "Host processor time beside the guests' processors",
                f"seconds per Gbit; {LEGEND}",
                [Bar("softiov VFs", "vm_host_cpu_per_gbit", True,
                     _times(0.5, "vm_igb_host_cpu_per_gbit", series)),
                 Bar("QEMU igb, TAP, bridge", "vm_igb_host_cpu_per_gbit", False),
                 Bar("virtio-net, TAP, bridge", "vm_virtio_host_cpu_per_gbit", False)], series)


def draw(folder, series):
    """All charts that there are figures for; returns how many."""
    return sum(drawn for group in (_throughput, _own, _guests) for drawn in group(folder, series))
