# SPDX-License-Identifier: BSD-3-Clause
"""
Machines that we do not have, as captured roots for `softiov check --root` (docs/check.md): a
compact description of each, written out as the folder that `softiov check --capture` would make
there.

MACHINES names them; build(name, folder) makes one. CASES says what the check must answer.
"""
import struct
from pathlib import Path
from types import SimpleNamespace

INTEL_82599, VF_82599 = (0x8086, 0x10fb), 0x10ed
NETWORK, BRIDGE = 0x020000, 0x060400
EXPRESS_AT, SRIOV_AT, ARI_AT, ACS_AT, SERIAL_AT = 0x40, 0x160, 0x150, 0x140, 0x100
QEMU = {"qemu": "/usr/bin/qemu-system-x86_64, version 10.1.0", "qemu-vfio-user": "yes"}
DEVICES = "sys/bus/pci/devices"


class Machine:
    """Files, links and facts of one machine; each method adds a part and returns the machine."""

    def __init__(self):
        self.files, self.folders, self.links = {}, set(), {}
        self.leaves = []
        self.facts = {"format": "1", "machine": "x86_64", "release": "6.12.0", "user": "root",
                      "kernel-pci-iov": "y", "kvm": "works", "vfio-pci": "yes", **QEMU,
                      "memfd": "sealed", "memlock": "unlimited", "fuse": "works",
                      "fusermount3": "/usr/bin/fusermount3", "run-dir": "/run/softiov",
                      "run-dir-writable": "yes"}
        self.unreadable = []
        self.folders |= {"sys/firmware/acpi/tables", "sys/kernel/iommu_groups", "sys/class/iommu",
                         DEVICES}
        self.files["proc/meminfo"] = b"HugePages_Total:     512\nHugePages_Free:      500\n"
        self.cmdline("ro quiet")

    def cmdline(self, words):
        self.files["proc/cmdline"] = words.encode() + b"\n"
        return self

    def cpu(self, vendor, features=0, amd_features=0, hypervisor="", flags="", npt=0):
        b, d, c = struct.unpack("<III", vendor.encode())
        self.leaves = [(0, 0, 0x16, b, c, d),
                       (1, 0, 0, 0, features | (bool(hypervisor) << 31), 0),
                       (0x80000001, 0, 0, 0, amd_features, 0), (0x8000000a, 0, 1, 0, 0, npt)]
        if hypervisor:
            words = struct.unpack("<III", hypervisor.encode().ljust(12, b"\0"))
            self.leaves.append((0x40000000, 0, 0x40000001, *words))
        self.files["proc/cpuinfo"] = f"processor\t: 0\nflags\t\t: fpu {flags} sse2\n\n".encode()
        return self

    def intel(self, hypervisor=""):
        return self.cpu("GenuineIntel", 1 << 5, hypervisor=hypervisor, flags="vmx ept")

    def amd(self):
        return self.cpu("AuthenticAMD", amd_features=1 << 2, flags="svm npt", npt=1)

    def table(self, name, body, damage=0):
        table = bytearray(struct.pack("<4sIBB6s8sI4sI", name.encode(), 36 + len(body), 1, 0,
                                      b"SOFTIO", b"CHECKED ", 1, b"TEST", 1) + body)
        table[9] = -sum(table) & 0xff
        table[-1] ^= damage
        self.files[f"sys/firmware/acpi/tables/{name}"] = bytes(table)
        return self

    def dmar(self, flags=1, units=2, damage=0):
        drhd = struct.pack("<HHBBHQ", 0, 16, 0, 0, 0, 0xfed90000)
        return self.table("DMAR", struct.pack("<BB10x", 45, flags) + units * drhd, damage)

    def ivrs(self):
        ivhd = struct.pack("<BBHHHQHHI", 0x10, 0, 24, 0x02, 0x40, 0xfeb80000, 0, 0, 0)
        return self.table("IVRS", struct.pack("<I8x", 0x203040) + ivhd)

    def groups(self, count, unit="dmar0"):
        self.folders |= {f"sys/kernel/iommu_groups/{n}" for n in range(count)}
        self.folders.add(f"sys/class/iommu/{unit}")
        return self

    def function(self, address, ids, kind, config, length=4096, **files):
        path = f"{DEVICES}/{address}"
        self.files.update({f"{path}/vendor": b"0x%04x\n" % ids[0],
                           f"{path}/device": b"0x%04x\n" % ids[1],
                           f"{path}/class": b"0x%06x\n" % kind,
                           f"{path}/config": bytes(config[:length])})
        self.files.update({f"{path}/{name}": text.encode() for name, text in files.items()})
        return self

    def port(self, address="0000:00:02.0", bus=7, ari=True, acs=True, length=4096):
        config = blank((0x8086, 0x2030), BRIDGE)
        config[0x0e], config[0x19] = 1, bus
        express(config, ari)
        if acs:
            capability(config, 0x100, 0x000d, 0)
        return self.function(address, (0x8086, 0x2030), BRIDGE, config, length)

    def adapter(self, address="0000:07:00.0", ids=INTEL_82599, vf_device=VF_82599, total=63,
                assigned=True, sysfs=True, length=4096, driver="ixgbe", loop=False):
        config = blank(ids, NETWORK)
        express(config, False)
        capability(config, SERIAL_AT, 0x0003, ARI_AT)
        config[SERIAL_AT + 4:SERIAL_AT + 12] = bytes.fromhex("a0369fffff123456")
        capability(config, ARI_AT, 0x000e, SERIAL_AT if loop else SRIOV_AT)
        if not loop:
            capability(config, SRIOV_AT, 0x0010, 0)
            struct.pack_into("<HHHxxHHxxH", config, SRIOV_AT + 0x0c, total, total, 0, 128, 2,
                             vf_device)
        none = "0x0000000000000000 0x0000000000000000 0x0000000000000000"
        bar = "0x00000000f0000000 0x00000000f00fbfff 0x0000000000140204" if assigned else none
        resource = "\n".join([bar] + [none] * 6 + [bar, none, none, bar, none, none]) + "\n"
        self.function(address, ids, NETWORK, config, length, resource=resource)
        if sysfs:
            path = f"{DEVICES}/{address}"
            self.files[f"{path}/sriov_totalvfs"] = b"%d\n" % total
            self.files[f"{path}/sriov_numvfs"] = b"0\n"
            self.files[f"{path}/sriov_vf_device"] = b"%x\n" % vf_device
        if driver:
            self.links[f"{DEVICES}/{address}/driver"] = f"../../../../bus/pci/drivers/{driver}"
        return self

    def plain_adapter(self, address="0000:07:00.0"):
        config = blank((0x8086, 0x10d3), NETWORK)
        express(config, False)
        capability(config, 0x100, 0x0001, 0)
        return self.function(address, (0x8086, 0x10d3), NETWORK, config)

    def fact(self, **facts):
        for name, value in facts.items():
            self.facts[name.replace("_", "-")] = value
        return self

    def without(self, *names):
        for name in names:
            del self.facts[name]
        return self

    def file(self, path, text):
        self.files[path] = text.encode()
        return self

    def build(self, folder):
        folder = Path(folder)
        for path in self.folders:
            (folder / path).mkdir(parents=True, exist_ok=True)
        self.files["softiov-check/facts"] = "".join(
            [f"{name}: {value}\n" for name, value in self.facts.items()] +
            [f"unreadable: /{path}\n" for path in self.unreadable]).encode()
        self.files["softiov-check/cpuid"] = "".join(
            " ".join(f"{word:08x}" for word in leaf) + "\n" for leaf in self.leaves).encode()
        for path, data in self.files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        for path, target in self.links.items():
            (folder / path).symlink_to(target)
        return folder


def blank(ids, kind):
    config = bytearray(4096)
    struct.pack_into("<HHHHI", config, 0, *ids, 0, 0x10, kind << 8)
    config[0x34] = EXPRESS_AT
    return config


def express(config, ari):
    config[EXPRESS_AT] = 0x10
    struct.pack_into("<IH", config, EXPRESS_AT + 0x24, ari << 5, ari << 5)


def capability(config, at, number, following):
    struct.pack_into("<I", config, at, number | 1 << 16 | following << 20)


def intel_server():
    return Machine().intel().dmar().groups(40).cmdline("ro intel_iommu=on iommu=pt").port()


def amd_server():
    return Machine().amd().ivrs().groups(50, "ivhd0").port().adapter()


def xenserver():
    machine = Machine().cpu("GenuineIntel").port().adapter()
    machine.table("XMAR", struct.pack("<BB10xHHBBHQ", 45, 1, 0, 16, 0, 0, 0, 0xfed90000))
    machine.file("proc/xen/capabilities", "control_d\n")
    machine.file("sys/hypervisor/properties/capabilities", "xen-3.0-x86_64 hvm-3.0-x86_64\n")
    return machine.file("etc/xensource-inventory",
                        "PRODUCT_BRAND='XenServer'\nPRODUCT_VERSION='8.2.1'\n")


def only_dmar_readable_by_root():
    machine = intel_server().adapter()
    machine.unreadable = ["sys/firmware/acpi/tables/DMAR"]
    return machine


def looping_list():
    machine = intel_server().adapter(loop=True, sysfs=False)
    return machine.without("kernel-pci-iov")


def vm():
    machine = Machine().intel(hypervisor="KVMKVMKVM").plain_adapter()
    return machine.fact(kvm="there is no /dev/kvm")


MACHINES = {
    "intel-ready": lambda: intel_server().adapter(),
    "intel-iommu-off": lambda: Machine().intel().dmar().port().adapter(),
    "intel-iommu-said-off": lambda: Machine().intel().dmar().port().adapter().cmdline(
        "ro intel_iommu=off"),
    "intel-vtd-off-in-firmware": lambda: Machine().intel().port().adapter().cmdline(
        "intel_iommu=on"),
    "intel-vtx-locked": lambda: intel_server().adapter().cpu("GenuineIntel", 1 << 5, flags="ept"),
    "sriov-off-in-firmware": lambda: intel_server().adapter(assigned=False),
    "no-vfs-in-firmware": lambda: intel_server().adapter(total=0),
    "amd-ready": amd_server,
    "no-sriov-adapter": lambda: intel_server().plain_adapter(),
    "in-a-vm": vm,
    "xenserver-ready": xenserver,
    "hyperv-no-acs": lambda: Machine().intel().dmar().adapter().port(acs=False),
    "hyperv-no-remapping": lambda: Machine().intel().dmar(flags=0).adapter().port(),
    "damaged-dmar": lambda: Machine().intel().dmar(damage=1).port().adapter(),
    "config-of-64-bytes": lambda: intel_server().port(length=64).adapter(
        length=64, sysfs=False).without("kernel-pci-iov"),
    "config-of-64-bytes-sysfs": lambda: intel_server().port(length=64).adapter(length=64),
    "looping-list": looping_list,
    "one-of-two-ready": lambda: intel_server().adapter(assigned=False).adapter("0000:07:00.1"),
    "dmar-for-root-only": only_dmar_readable_by_root,
    "nothing": lambda: SimpleNamespace(build=lambda folder: Path(folder)),
    "facts-only": lambda: Machine().intel(),
    "old-qemu": lambda: intel_server().adapter().fact(
        qemu="/usr/bin/qemu-system-x86_64, version 7.2.0", qemu_vfio_user="no"),
    "no-kvm-module": lambda: intel_server().adapter().fact(kvm="there is no /dev/kvm"),
    "kernel-without-iov": lambda: intel_server().adapter(sysfs=False).fact(kernel_pci_iov="n"),
    "kernel-without-iommu": lambda: Machine().amd().ivrs().port().adapter().fact(
        kernel_amd_iommu="n"),
    "no-port-seen": lambda: intel_server().adapter("0000:09:00.0"),
}


def build(name, folder):
    """Make the captured root of a machine in a folder; returns the folder."""
    return MACHINES[name]().build(folder)


# machine, VMM, verdicts on hardware and on softiov, a row of the first question: id, state, words
CASES = [
    ("intel-ready", None, "ready", "ready", "iommu-groups", "ok", "40 groups"),
    ("intel-ready", "kvm", "ready", "ready", "vmm", "ok", "works"),
    ("intel-ready", "xenserver", "could not tell", "ready", "vmm", "unknown", "does not run here"),
    ("intel-ready", "vsphere", "could not tell", "ready", "vmm", "unknown", "ESXi"),
    ("intel-ready", "hyperv", "could not tell", "ready", "vmm", "unknown", "Hyper-V"),
    ("intel-iommu-off", None, "not ready", "ready", "iommu-groups", "no", "add intel_iommu=on"),
    ("intel-iommu-off", "kvm", "not ready", "ready", "iommu-groups", "no", "intel_iommu=on"),
    ("intel-iommu-said-off", "kvm", "not ready", "ready", "iommu-groups", "no",
     "remove intel_iommu=off"),
    ("intel-vtd-off-in-firmware", "kvm", "not ready", "ready", "iommu-table", "no", "VT-d"),
    ("intel-vtx-locked", "kvm", "not ready", "ready", "cpu", "no", "locked"),
    ("sriov-off-in-firmware", "kvm", "not ready", "ready", "vf-bars", "no", "SR-IOV Support"),
    ("no-vfs-in-firmware", "kvm", "not ready", "ready", "adapter", "no", "firmware setup"),
    ("amd-ready", "kvm", "ready", "ready", "iommu-table", "ok", "IVRS with 1 IVHD"),
    ("amd-ready", "xenserver", "not ready", "ready", "xenserver-rule", "no",
     "Intel only, AMD hosts unsupported"),
    ("amd-ready", "hyperv", "could not tell", "ready", "slat", "ok", "there"),
    ("no-sriov-adapter", "kvm", "not ready", "ready", "adapter", "no", "none with SR-IOV"),
    ("in-a-vm", None, "not ready", "ready", "machine", "note", "a virtual machine (KVM)"),
    ("in-a-vm", "kvm", "not ready", "ready", "iommu-table", "no", "ask on the host"),
    ("xenserver-ready", "xenserver", "ready", "ready", "vmm", "ok", "XenServer 8.2.1"),
    ("xenserver-ready", None, "ready", "ready", "machine", "ok", "Dom0"),
    ("xenserver-ready", "kvm", "not ready", "ready", "vmm", "no", "Xen"),
    ("hyperv-no-acs", "hyperv", "not ready", "ready", "acs", "no", "Access Control Services"),
    ("hyperv-no-remapping", "hyperv", "not ready", "ready", "interrupt-remapping", "no",
     "not offered"),
    ("no-port-seen", "vsphere", "could not tell", "ready", "ari", "note", "no port above"),
    ("damaged-dmar", "kvm", "not ready", "ready", "iommu-table", "no", "checksum"),
    ("config-of-64-bytes", "kvm", "could not tell", "ready", "adapter", "unknown",
     "64 bytes of configuration space of 0000:07:00.0"),
    ("config-of-64-bytes-sysfs", "kvm", "ready", "ready", "ari", "note", "could not tell"),
    ("looping-list", "kvm", "could not tell", "ready", "adapter", "unknown", "damaged"),
    ("one-of-two-ready", "kvm", "ready", "ready", "vf-bars", "note", "no addresses"),
    ("dmar-for-root-only", "kvm", "ready", "ready", "iommu-table", "ok", "only root"),
    ("nothing", None, "could not tell", "could not tell", "cpu", "unknown", "no CPUID"),
    ("nothing", "kvm", "could not tell", "could not tell", "adapter", "unknown", "no PCI bus"),
    ("kernel-without-iov", "kvm", "not ready", "ready", "kernel", "no",
     "built without CONFIG_PCI_IOV"),
    ("kernel-without-iommu", "kvm", "not ready", "ready", "kernel", "no",
     "built without CONFIG_AMD_IOMMU"),
    ("old-qemu", None, "ready", "not ready", "vmm", "ok", "works"),
    ("no-kvm-module", "kvm", "not ready", "ready", "vmm", "no", "there is no /dev/kvm"),
    ("no-kvm-module", None, "ready", "ready", "vmm", "note", "there is no /dev/kvm"),
]
EXIT = {"ready": 0, "not ready": 1, "could not tell": 3}
