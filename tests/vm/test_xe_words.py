# SPDX-License-Identifier: BSD-3-Clause
"""xe and `softiov vm` word by word, against a daemon: what they print, and how they refuse."""

import json
import os
import re
import socket
import subprocess
import time

import pytest

from lab import REPO, program
from vfio_user import Vf
from xe import Xe, config, running

OLD_QEMU = REPO / "tests/unit/vmm/data/qemu-7.2"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
NOBODY = "00000000-0000-4000-8000-000000000000"
CLASSES = ["vm", "pif", "network", "network-sriov", "pci", "host"]


@pytest.fixture(scope="module")
def daemon(module_crew):
    daemon = module_crew.daemon(config())
    daemon.socket("0000:07:11.6")
    return daemon


@pytest.fixture
def xe(daemon):
    xe = Xe(daemon)
    yield xe
    xe.forget_all()


def inventory(xe):
    """Everything that words can change."""
    answers = []
    for path in ("vm", "network", "sriov", "pif", "pci"):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(xe.daemon.api))
            sock.sendall(f"GET /v1/{path} HTTP/1.0\r\n\r\n".encode())
            with sock.makefile("rb") as stream:
                answer = stream.read()
        assert answer.startswith(b"HTTP/1.0 200 ")
        answers.append(json.loads(answer.split(b"\r\n\r\n", 1)[1]))
    return answers


def refused(xe, words, code, *params, stdin=""):
    """It was refused by this code, about these objects, and nothing changed."""
    before = inventory(xe)
    rc, out, err = xe.run(*words, stdin=stdin)
    lines = err.splitlines()
    assert rc == 1 and out == "" and len(lines) == 3, (words, rc, out, err)
    assert lines[1] == f"Error code: {code}"
    assert lines[2] == "Error parameters: " + ", ".join(params)
    assert inventory(xe) == before
    return lines[0]


# What is printed

def test_list(xe):
    one = xe("vm-create", "name-label=one")
    two = xe("vm-install", "new-name-label=two, with\\comma", "memory=64MiB")
    assert re.fullmatch(UUID, one) and re.fullmatch(UUID, two) and one != two
    assert xe.run("vm-list") == (0, (
        f"uuid ( RO)           : {one}\n"
        "     name-label ( RW): one\n"
        "    power-state ( RO): halted\n\n\n"
        f"uuid ( RO)           : {two}\n"
        "     name-label ( RW): two, with\\comma\n"
        "    power-state ( RO): halted\n\n\n"), "")
    assert xe.run("vm-list", "--minimal") == (0, f"{one},{two}\n", "")
    assert xe.run("vm-list", "--minimal", "params=name-label") == (
        0, "one,two\\, with\\\\comma\n", "")
    assert xe.run("vm-list", "name-label=one", "params=memory-static-max,VCPUs-max") == (0, (
        "memory-static-max ( RW)    : 536870912\n"
        "            VCPUs-max ( RW): 1\n\n\n"), "")
    assert xe.run("vm-list", "power-state=running") == (0, "", "")
    assert xe.run("vm-list", "power-state=running", "--minimal") == (0, "\n", "")
    assert xe("vm-list", "memory-static-max=67108864", "--minimal") == two
    assert xe("vm-list", "memory-static-max=67108864", "--minimal", "--all") == f"{one},{two}"


def test_param_list(xe):
    uuid = xe("vm-create", "name-label=a", "name-description=b c", "memory=1GiB", "vcpus=2",
              "PV-kernel=/k", "PV-ramdisk=/i", "PV-args=x=1 y", "disk=/d,ro",
              "disk=/e,format=qcow2", "other-config:z=1", "other-config:pci=0/0000:07:10.0",
              "actions-after-crash=restart")
    assert xe.run("vm-param-list", f"uuid={uuid}") == (0, f"""\
uuid ( RO)                      : {uuid}
                name-label ( RW): a
          name-description ( RW): b c
             is-a-template ( RO): false
             is-a-snapshot ( RO): false
         is-control-domain ( RO): false
               power-state ( RO): halted
             memory-actual ( RO): 0
         memory-static-max ( RW): 1073741824
        memory-dynamic-max ( RW): 1073741824
        memory-dynamic-min ( RO): 1073741824
         memory-static-min ( RO): 1073741824
                 VCPUs-max ( RW): 2
          VCPUs-at-startup ( RW): 2
    actions-after-shutdown ( RW): Destroy
      actions-after-reboot ( RO): Restart
       actions-after-crash ( RW): Restart
        allowed-operations (SRO): start; changing_static_range; destroy
                 PV-kernel ( RW): /k
                PV-ramdisk ( RW): /i
                   PV-args ( RW): x=1 y
              other-config (MRW): pci: 0/0000:07:10.0; z: 1
                    dom-id ( RO): -1
                start-time ( RO): <unknown time>
                     disks (SRW): /d,format=raw,ro; /e,format=qcow2
                      live ( RO): false
                  firmware ( RW): {""}
                     accel ( RW): auto


""", "")


@pytest.mark.parametrize("name", CLASSES)
def test_readers_agree(xe, name):
    """list, param-list and param-get of every class say the same of an object."""
    network = xe("network-create", "name-label=n")
    sriov = xe("network-sriov-create", f"pif-uuid={xe('pif-list', '--minimal')}",
               f"network-uuid={network}")
    xe("vm-create", "name-label=a")
    uuids = xe(f"{name}-list", "--minimal").split(",")
    uuid = uuids[-1]
    assert re.fullmatch(UUID, uuid)
    rc, all_of_it, _ = xe.run(f"{name}-param-list", f"uuid={uuid}")
    assert rc == 0 and xe.run(f"{name}-list", f"uuid={uuid}", "params=all")[1] == all_of_it
    lines = re.findall(r"^ *(\S+) \([ MS]R[OW]\) *: (.*)$", all_of_it, re.M)
    assert len(lines) == all_of_it.count("\n") - 2 >= 4
    for param, value in lines:
        words = [f"{name}-param-get", f"uuid={uuid}", f"param-name={param}"]
        assert xe.run(*words)[1] == value + "\n"
    default = xe.run(f"{name}-list")[1]
    assert default.count("uuid ( RO)  ") == len(uuids)
    assert xe.run("network-sriov-destroy", f"uuid={sriov}") == (0, "", "")
    restore(xe)


def restore(xe):
    """VFs as the daemon made them at its start: SR-IOV that is destroyed takes them away."""
    rc, _, err = xe.daemon.cli("pf", "set", "0000:07:00.0", "numvfs", 8)
    assert rc == 0, err


def test_set_add_remove_clear(xe):
    uuid = xe("vm-create", "name-label=a")

    def get(param, *key):
        return xe("vm-param-get", f"uuid={uuid}", f"param-name={param}", *key)

    def change(verb, *words):
        assert xe(f"vm-param-{verb}", f"uuid={uuid}", *words) == ""

    change("set", "name-label=b c", "memory-static-max=128MiB", "VCPUs-max=2", "PV-args=q")
    assert [get("name-label"), get("memory-static-max"), get("VCPUs-at-startup")] == [
        "b c", "134217728", "2"]
    change("set", "other-config:pci=0/0000:07:10.2", "other-config:k=v: w; x")
    assert get("other-config") == "k: v: w; x; pci: 0/0000:07:10.2"
    assert get("other-config", "param-key=pci") == "0/0000:07:10.2"
    assert xe("pci-list", f"vm-uuid={uuid}", "--minimal", "params=pci-id") == "0000:07:10.2"
    change("add", "param-name=other-config", "m=1", "n=2")
    assert get("other-config", "param-key=n") == "2"
    change("remove", "param-name=other-config", "param-key=m")
    assert get("other-config") == "k: v: w; x; n: 2; pci: 0/0000:07:10.2"
    change("clear", "param-name=other-config")
    assert get("other-config") == ""
    assert xe("pci-list", f"vm-uuid={uuid}", "--minimal") == ""
    change("clear", "param-name=PV-args")
    assert get("PV-args") == ""
    change("add", "param-name=disks", "param-key=/d")
    change("add", "param-name=disks", "param-key=/e,ro")
    assert get("disks") == "/d,format=raw; /e,format=raw,ro"
    change("remove", "param-name=disks", "param-key=/d,format=raw")
    assert get("disks") == "/e,format=raw,ro"
    change("clear", "param-name=disks")
    assert get("disks") == ""
    change("set", "actions-after-shutdown=restart")
    assert get("actions-after-crash") == "Restart"


def test_several_functions(xe):
    uuid = xe("vm-create", "name-label=a")
    xe("vm-param-set", "other-config:pci=0/0000:07:10.0,1/0000:07:10.2", f"uuid={uuid}")
    assert xe("vm-param-get", f"uuid={uuid}", "param-name=other-config", "param-key=pci") == (
        "0/0000:07:10.0,1/0000:07:10.2")
    assert xe("vm-list", "other-config:pci=0/0000:07:10.0,1/0000:07:10.2", "--minimal") == uuid
    assert xe("pci-list", f"vm-uuid={uuid}", "--minimal", "params=pci-id") == (
        "0000:07:10.0,0000:07:10.2")


def test_networks(xe):
    pif = xe("pif-list", "device=sv0", "--minimal")
    network = xe("network-create", "name-label=fast", "name-description=VFs")
    assert xe.run("network-list") == (0, (
        f"uuid ( RO)                : {network}\n"
        "          name-label ( RO): fast\n"
        "    name-description ( RO): VFs\n\n\n"), "")
    sriov = xe("network-sriov-create", f"pif-uuid={pif}", f"network-uuid={network}")
    assert xe("network-sriov-param-get", f"uuid={sriov}", "param-name=physical-PIF") == pif
    assert xe("pif-param-get", f"uuid={pif}", "param-name=network-uuid") == network
    assert xe("network-param-get", f"uuid={network}", "param-name=PIF-uuids") == pif
    words = ["network-sriov-create", f"pif-uuid={pif}", f"network-uuid={network}"]
    refused(xe, words, "SRIOV_IN_USE", sriov)
    with Vf(xe.daemon.socket("0000:07:10.0")):
        rc, _, err = xe.run("network-sriov-destroy", f"uuid={sriov}")
        assert rc == 1 and "Error code: SRIOV_IN_USE\n" in err
    assert xe("network-sriov-destroy", f"uuid={sriov}") == ""
    assert xe("pci-list", "kind=VF", "--minimal") == ""
    restore(xe)
    assert xe("network-destroy", f"uuid={network}") == ""


def test_uninstall_asks(xe):
    uuid = xe("vm-create", "name-label=a")
    for answer in ("no\n", "", "yes please\n"):
        rc, out, err = xe.run("vm-uninstall", "vm=a", stdin=answer)
        assert rc == 1 and uuid in out and "yes" in out and uuid in err
        assert xe("vm-list", "--minimal") == uuid
    assert xe.run("vm-uninstall", "vm=a", stdin="yes\n")[0] == 0
    assert xe("vm-list", "--minimal") == ""
    uuid = xe("vm-create", "name-label=a")
    assert xe.run("vm-destroy", f"uuid={uuid}") == (0, "", "")


def test_multiple(xe):
    uuids = {xe("vm-create", "name-label=same") for _ in range(3)}
    rc, _, err = xe.run("vm-uninstall", "name-label=same", "--force")
    assert rc == 1 and "Error code: NAME_AMBIGUOUS\n" in err
    assert set(err.splitlines()[2].removeprefix("Error parameters: ").split(", ")) == uuids
    assert xe.run("vm-uninstall", "name-label=same", "--force", "--multiple") == (0, "", "")
    assert xe("vm-list", "--minimal") == ""


# How it refuses

@pytest.mark.parametrize("words, names", [
    ([], "no command"),
    (["vm-explode"], "vm-explode"),
    (["vm-list", "colour=red"], "colour"),
    (["vm-list", "running"], "running"),
    (["vm-list", "params=colour"], "colour"),
    (["vm-list", "-s", "elsewhere"], "-s"),
    (["--loud", "vm-list"], "--loud"),
    (["vm-list", "uuid=a", "uuid=b"], "twice"),
    (["vm-create"], "name-label"),
    (["vm-create", "name-label=a", "colour=red"], "colour"),
    (["vm-create", "name-label=a", "power-state=running"], "power-state"),
    (["vm-param-list"], "uuid"),
    (["vm-param-get", f"uuid={NOBODY}"], "param-name"),
    (["vm-param-get", f"uuid={NOBODY}", "param-name=colour"], "colour"),
    (["vm-param-set", f"uuid={NOBODY}"], "parameter"),
    (["vm-param-set", f"uuid={NOBODY}", "dom-id=7"], "dom-id"),
    (["vm-param-set", f"uuid={NOBODY}", "other-config=x"], "other-config:KEY=VALUE"),
    (["vm-param-set", "other-config:pci=0/0000:07:10.0"], "uuid"),
    (["vm-param-add", f"uuid={NOBODY}", "param-name=name-label", "a=b"], "neither"),
    (["vm-param-add", f"uuid={NOBODY}", "param-name=disks"], "param-key"),
    (["vm-param-add", f"uuid={NOBODY}", "param-name=other-config"], "KEY=VALUE"),
    (["vm-param-add", f"uuid={NOBODY}", "param-name=other-config", "--minimal"], "KEY=VALUE"),
    (["vm-param-set", f"uuid={NOBODY}", "--minimal"], "to set"),
    (["vm-param-remove", f"uuid={NOBODY}", "param-name=other-config"], "param-key"),
    (["vm-param-clear", f"uuid={NOBODY}", "param-name=uuid"], "read-only"),
    (["vm-start"], "vm="),
    (["vm-start", "--multiple"], "vm="),
    (["vm-start", "vm=a", "--force"], "force"),
    (["console", "vm=a", "--multiple"], "one"),
    (["network-sriov-create", f"pif-uuid={NOBODY}"], "network-uuid"),
    (["help", "vm-explode"], "vm-explode"),
])
def test_wrong_words(xe, words, names):
    xe("vm-create", "name-label=a")
    before = inventory(xe)
    rc, out, err = xe.run(*words)
    assert rc == 2 and out == "" and names in err and err.count("\n") == 1
    assert inventory(xe) == before


@pytest.mark.parametrize("words, kind", [
    (["vm-param-list"], "VM"),
    (["vm-param-get", "param-name=uuid"], "VM"),
    (["vm-param-set", "name-label=b"], "VM"),
    (["vm-param-add", "param-name=other-config", "a=b"], "VM"),
    (["vm-param-remove", "param-name=other-config", "param-key=a"], "VM"),
    (["vm-param-clear", "param-name=PV-args"], "VM"),
    (["vm-start"], "VM"), (["vm-shutdown", "--force"], "VM"), (["vm-reboot"], "VM"),
    (["vm-uninstall", "--force"], "VM"), (["vm-destroy"], "VM"), (["console"], "VM"),
    (["network-destroy"], "network"), (["network-sriov-destroy"], "network_sriov"),
    (["pif-param-list"], "PIF"), (["pci-param-list"], "PCI"), (["host-param-list"], "host"),
])
@pytest.mark.parametrize("uuid", [NOBODY, "../vm", "", "a b"])
def test_wrong_uuid(xe, words, kind, uuid):
    xe("vm-create", "name-label=a")
    refused(xe, [*words, f"uuid={uuid}"], "UUID_INVALID", kind, uuid)


def test_names(xe):
    refused(xe, ["vm-start", "vm=a"], "UUID_INVALID", "VM", "a")
    uuids = sorted(xe("vm-create", "name-label=a") for _ in range(2))
    listed = xe("vm-list", "--minimal").split(",")
    assert sorted(listed) == uuids
    for words in (["vm-start", "vm=a"], ["console", "vm=a"], ["vm-uninstall", "name-label=a"],
                  ["vm-shutdown", "power-state=halted", "--force"]):
        refused(xe, words, "NAME_AMBIGUOUS", *listed)
    rc, _, err = xe.daemon.cli("vm", "start", "a")
    assert rc == 1 and err.startswith("softiov: ") and "uuid" in err


@pytest.mark.parametrize("pci, code, params", [
    ("0/0000:07:1f.0", "PCI_DEVICE_MISSING", ["0000:07:1f.0"]),
    ("0/0000:07:00.0", "PCI_DEVICE_MISSING", ["0000:07:00.0"]),
    ("0/0000:07:10.0,1/0000:09:10.0", "PCI_DEVICE_MISSING", ["0000:09:10.0"]),
    ("0/0000:07:10.0,1/0000:07:10.0", "PCI_DEVICE_DUPLICATE", ["0000:07:10.0"]),
    ("07:10.0", "PCI_ADDRESS_INVALID", ["07:10.0"]),
    ("0/07:10.0", "PCI_ADDRESS_INVALID", ["0/07:10.0"]),
    ("0000:07:10.0", "PCI_ADDRESS_INVALID", ["0000:07:10.0"]),
    ("0/0000:07:10.9", "PCI_ADDRESS_INVALID", ["0/0000:07:10.9"]),
    ("0/0000:07:10.0;1/0000:07:10.2", "PCI_ADDRESS_INVALID", ["0/0000:07:10.0;1/0000:07:10.2"]),
])
def test_wrong_functions(xe, pci, code, params):
    uuid = xe("vm-create", "name-label=a")
    xe("vm-param-set", f"uuid={uuid}", "other-config:pci=0/0000:07:10.4")
    refused(xe, ["vm-param-set", f"uuid={uuid}", f"other-config:pci={pci}"], code, *params)
    refused(xe, ["vm-create", "name-label=b", f"other-config:pci={pci}"], code, *params)


def test_function_in_use(xe):
    one, two = (xe("vm-create", f"name-label={name}") for name in "ab")
    xe("vm-param-set", f"uuid={one}", "other-config:pci=0/0000:07:10.0")
    words = ["vm-param-set", f"uuid={two}", "other-config:pci=0/0000:07:10.2,1/0000:07:10.0"]
    refused(xe, words, "PCI_DEVICE_IN_USE", "0000:07:10.0", one)
    with Vf(xe.daemon.socket("0000:07:10.0")):
        rc, _, err = xe.run("vm-start", "vm=a")
        assert rc == 1
        assert err.splitlines()[1:] == ["Error code: PCI_DEVICE_IN_USE",
                                        f"Error parameters: 0000:07:10.0, pid {os.getpid()}"]


@pytest.mark.parametrize("words, params", [
    (["memory-static-max=much"], ["memory-static-max", "much"]),
    (["memory-static-max=1"], ["memory", "1"]),
    (["memory-static-max=64MiB", "memory-dynamic-max=128MiB"], ["memory-static-max", "64MiB"]),
    (["VCPUs-max=0"], ["VCPUs-max", "0"]),
    (["VCPUs-max=100000"], ["vcpus", "100000"]),
    (["PV-kernel=vmlinuz"], ["kernel", "vmlinuz"]),
    (["actions-after-crash=explode"], ["actions-after-crash", "explode"]),
    (["accel=steam"], ["accel", "steam"]),
    (["name-label="], ["name-label", ""]),
    (["name-label=a\nb"], ["name-label", "a\nb"]),
])
def test_wrong_values(xe, words, params):
    uuid = xe("vm-create", "name-label=a")
    before = inventory(xe)
    rc, out, err = xe.run("vm-param-set", f"uuid={uuid}", "name-description=never", *words)
    assert rc == 1 and out == ""
    assert f"\nError code: VALUE_INVALID\nError parameters: {', '.join(params)}\n" in err
    assert inventory(xe) == before


def test_wrong_keys(xe):
    uuid = xe("vm-create", "name-label=a", "other-config:k=v")
    key = ["param-name=other-config", f"uuid={uuid}"]
    refused(xe, ["vm-param-add", *key, "l=1", "k=2"], "MAP_DUPLICATE_KEY", "VM", "other-config",
            uuid, "k", "v")
    refused(xe, ["vm-param-remove", *key, "param-key=z"], "VALUE_INVALID", "param-key", "z")
    refused(xe, ["vm-param-get", *key, "param-key=z"], "VALUE_INVALID", "param-key", "z")


@pytest.mark.parametrize("param, member", [("PV-kernel=/no/k", "kernel"),
                                           ("PV-ramdisk=/no/k", "initrd"),
                                           ("firmware=/no/k", "firmware"),
                                           ("disk=/no/k", "disks")])
def test_missing_file(xe, param, member):
    xe("vm-create", "name-label=a", param)
    refused(xe, ["vm-start", "vm=a"], "FILE_MISSING", member, "/no/k")


def test_halted_vm(xe):
    uuid = xe("vm-create", "name-label=a")
    refused(xe, ["vm-shutdown", "vm=a"], "VM_BAD_POWER_STATE", uuid, "running", "halted")
    refused(xe, ["vm-reboot", "vm=a"], "VM_BAD_POWER_STATE", uuid, "running", "halted")
    refused(xe, ["console", "vm=a"], "VM_BAD_POWER_STATE", uuid, "running", "halted")


def test_running_vm(xe, tmp_path):
    """What wants a halted VM. No guest is needed for that, firmware and an empty disk will do."""
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(1 << 20))
    uuid = xe("vm-create", "name-label=a", "memory=64MiB", f"disk={disk}",
              "other-config:pci=0/0000:07:10.0")
    other = xe("vm-create", "name-label=b")
    with running(xe, uuid):
        shown = xe("vm-param-list", f"uuid={uuid}")
        assert re.search(r"power-state \( RO\): running\n", shown)
        assert re.search(r"start-time \( RO\): \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n", shown)
        assert re.search(r"dom-id \( RO\): [1-9]\d+\n", shown)
        state = [uuid, "halted", "running"]
        for words in (["vm-start", "vm=a"], ["vm-destroy", f"uuid={uuid}"],
                      ["vm-param-set", f"uuid={uuid}", "memory-static-max=128MiB"],
                      ["vm-param-set", f"uuid={uuid}", "other-config:pci=0/0000:07:10.2"],
                      ["vm-param-clear", f"uuid={uuid}", "param-name=other-config"]):
            refused(xe, words, "VM_BAD_POWER_STATE", *state)
        refused(xe, ["vm-param-set", f"uuid={other}", "other-config:pci=0/0000:07:10.0"],
                "PCI_DEVICE_IN_USE", "0000:07:10.0", uuid)
        assert xe("vm-param-set", f"uuid={uuid}", "name-label=c", "other-config:k=v") == ""
        rc, _, err = xe.daemon.cli("vm", "detach", "c", "0000:07:10.0")
        assert rc == 1 and "running" in err
        assert xe("vm-reboot", "vm=c", "--force") == ""
        assert xe("vm-shutdown", "vm=c", "--force") == ""
        assert xe("vm-list", "power-state=running", "--minimal") == ""
        assert xe("vm-start", "vm=c") == ""
        assert xe("vm-uninstall", "vm=c", "--force") == ""
        assert xe("vm-list", "--minimal") == other


def test_old_qemu(crew):
    xe = Xe(crew.daemon(config(OLD_QEMU)))
    xe("vm-create", "name-label=a", "other-config:pci=0/0000:07:10.0")
    refused(xe, ["vm-start", "vm=a"], "QEMU_TOO_OLD", "7.2.19", "10.1")
    assert "qemu_version: 7.2.19" in xe("host-list", "params=software-version")


def test_no_daemon(tmp_path):
    for words in (["xe", "vm-list"], ["vm", "list"]):
        done = subprocess.run([program("softiov"), "--socket", tmp_path / "none", *words],
                              capture_output=True, text=True)
        assert done.returncode == 1 and done.stdout == "" and done.stderr.count("\n") == 1
        assert "softiovd" in done.stderr and str(tmp_path) in done.stderr


# Many, and at once

def test_a_hundred_vms(xe, capsys):
    for number in range(100):
        xe("vm-create", f"name-label=vm-{number:03}", "memory=64MiB")
    times = []
    for words in (["vm-list"], ["vm-list", "params=all"], ["vm-list", "--minimal"]) * 5:
        start = time.monotonic()
        rc, out, _ = xe.run(*words)
        times.append((time.monotonic() - start, words))
        assert rc == 0 and (out.count("uuid ( RO)") == 100 or out.count(",") == 99)
    for words in (["vm-list"], ["vm-list", "params=all"], ["vm-list", "--minimal"]):
        best = min(seconds for seconds, these in times if these == words)
        with capsys.disabled():
            print(f"\nxe {' '.join(words)}, 100 VMs: {best * 1000:.1f} ms, process and all", end="")
    names = xe("vm-list", "--minimal", "params=name-label").split(",")
    assert names == [f"vm-{number:03}" for number in range(100)]
    xe("vm-uninstall", "power-state=halted", "--force", "--multiple")


def test_two_clients_want_the_same_function(xe):
    uuids = [xe("vm-create", f"name-label={name}") for name in "ab"]
    for _ in range(15):
        clients = [xe.start("vm-param-set", f"uuid={uuid}", "other-config:pci=0/0000:07:10.2",
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE) for uuid in uuids]
        errors = [client.communicate(timeout=30)[1] for client in clients]
        status = [client.returncode for client in clients]
        assert sorted(status) == [0, 1]
        winner = uuids[status.index(0)]
        assert f"PCI_DEVICE_IN_USE\nError parameters: 0000:07:10.2, {winner}\n" in (
            errors[status.index(1)])
        assert xe("vm-list", "other-config:pci=0/0000:07:10.2", "--minimal") == winner
        xe("vm-param-remove", f"uuid={winner}", "param-name=other-config", "param-key=pci")


# The program

def test_called_xe(xe, tmp_path):
    link = tmp_path / "xe"
    link.symlink_to(program("softiov"))

    def run(*words):
        done = subprocess.run([link, *words], capture_output=True, text=True)
        return done.returncode, done.stdout, done.stderr

    xe("vm-create", "name-label=a")
    assert run("--socket", xe.daemon.api, "vm-list") == xe.run("vm-list")
    for words in (["--version"], ["help"], ["--help"], ["-h"]):
        rc, out, err = run(*words)
        assert (rc, err) == (0, "") and "QEMU" in out and "not XenServer's" in out
        assert xe.run(*words)[1] == out
    rc, out, _ = run("help", "--minimal")
    commands = out.strip().split(",")
    assert {"vm-install", "vm-list", "vm-param-set", "vm-start", "vm-shutdown", "vm-reboot",
            "vm-uninstall", "console", "pif-list", "network-sriov-create", "network-sriov-list",
            "network-sriov-destroy", "pci-list", "host-list"} <= set(commands)
    for command in commands:
        rc, out, _ = run("help", command)
        assert rc == 0 and out.startswith(f"xe {command}")
    rc, out, err = xe.run("vm-install", "new-name-label=b", "template=Debian")
    assert rc == 0 and "Debian" in err and re.fullmatch(UUID + "\n", out)


# The same without xe

def vm(daemon, *words, code=0):
    rc, out, err = daemon.cli("vm", *words)
    assert rc == code and (err == "" or code), (words, rc, out, err)
    return err if code else out


def test_softiov_vm(xe):
    daemon = xe.daemon
    assert vm(daemon, "list") == ""
    uuid = vm(daemon, "define", "a", "--memory", "1G", "--vcpus", 2, "--kernel", "/k", "--initrd",
              "/i", "--args", "x=1 y", "--disk", "/d,format=qcow2", "--disk", "/e,ro",
              "--restart", "on-failure", "--description", "text", "--config", "k=v").strip()
    assert vm(daemon, "show", "a") == f"""\
VM a  {uuid}  halted
  description  text
  memory       1024 MiB
  vcpus        2
  kernel       /k
  initrd       /i
  args         x=1 y
  disk         /d,format=qcow2
  disk         /e,format=raw,ro
  accel        auto
  restart      on-failure
  VFs          -
  config       k=v
"""
    vm(daemon, "set", uuid, "--name", "b", "--memory", "64M", "--config", "k=", "--kernel", "",
       "--disk", "/f")
    vm(daemon, "attach", "b", "0000:07:10.0")
    vm(daemon, "attach", "b", "0000:07:10.2")
    vm(daemon, "detach", "b", "0000:07:10.0")
    assert vm(daemon, "list").splitlines()[1].split() == [
        uuid, "halted", "64", "MiB", "2", "b", "0000:07:10.2"]
    assert xe("vm-param-get", f"uuid={uuid}", "param-name=disks") == "/f,format=raw"
    other = vm(daemon, "define", "c").strip()
    assert "0000:07:10.2" in vm(daemon, "attach", "c", "0000:07:10.2", code=1)
    vm(daemon, "move", "c", "0000:07:10.2")
    assert xe("pci-list", f"vm-uuid={other}", "--minimal", "params=pci-id") == "0000:07:10.2"
    vm(daemon, "delete", "c")
    vm(daemon, "delete", uuid)
    assert vm(daemon, "list", "--json") == "[]\n"


def test_relative_files(xe, tmp_path):
    done = subprocess.run([program("softiov"), "--socket", xe.daemon.api, "vm", "define", "a",
                           "--kernel", "k", "--disk", "d,ro"], cwd=tmp_path)
    assert done.returncode == 0
    assert xe("vm-list", "params=PV-kernel", "--minimal") == f"{tmp_path}/k"
    assert xe("vm-list", "params=disks") == f"disks (SRW)    : {tmp_path}/d,format=raw,ro"


@pytest.mark.parametrize("words, names", [
    (["vm"], "define"),
    (["vm", "fly", "a"], "fly"),
    (["vm", "list", "all"], "all"),
    (["vm", "define"], "name"),
    (["vm", "define", "b", "--memory", "much"], "512M"),
    (["vm", "define", "b", "--vcpus", "0"], "--vcpus"),
    (["vm", "define", "b", "--colour", "red"], "--colour"),
    (["vm", "define", "b", "--memory"], "--memory"),
    (["vm", "define", "b", "--memory", "64M", "--memory", "64M"], "twice"),
    (["vm", "define", "b", "--disk", "/d,format=vmdk"], "qcow2"),
    (["vm", "define", "b", "--config", "k"], "KEY=VALUE"),
    (["vm", "set", "a"], "set"),
    (["vm", "start"], "name"),
    (["vm", "start", "a", "b"], "one VM"),
    (["vm", "start", "a", "--force"], "one VM"),
    (["vm", "attach", "a"], "0000:07:10.0"),
])
def test_wrong_words_of_softiov_vm(xe, words, names):
    xe("vm-create", "name-label=a")
    before = inventory(xe)
    rc, out, err = xe.daemon.cli(*words)
    assert rc == 2 and out == "" and names in err and err.count("\n") == 1
    assert inventory(xe) == before


@pytest.mark.parametrize("words, names", [
    (["start", "b"], "b"),
    (["attach", "a", "0000:07:1f.0"], "0000:07:1f.0"),
    (["detach", "a", "0000:07:10.0"], "0000:07:10.0"),
    (["shutdown", "a", "--force"], "halted"),
    (["define", "b", "--kernel", "/" + "k" * 2000], "kernel"),
    (["define", "--from-libvirt", "/no/domain.xml"], "/no/domain.xml"),
])
def test_refusals_of_softiov_vm(xe, words, names):
    xe("vm-create", "name-label=a")
    before = inventory(xe)
    assert names in vm(xe.daemon, *words, code=1)
    assert inventory(xe) == before


def test_qemu_args_can_be_pasted(xe):
    uuid = xe("vm-create", "name-label=it's", "PV-kernel=/etc/passwd", "PV-args=a 'b' \"$c\" `d`",
              "other-config:pci=0/0000:07:10.0")
    out = vm(xe.daemon, "qemu-args", uuid)
    words = subprocess.run(["sh", "-c", f"printf '%s\\n' {out}"], capture_output=True, text=True)
    rc, listed, _ = xe.daemon.cli("vm", "qemu-args", uuid, "--json")
    assert rc == 0 and words.stdout.splitlines() == json.loads(listed)
    assert any("a 'b' \"$c\" `d`" in word for word in words.stdout.splitlines())
    lines = out.splitlines()
    assert all(line.endswith(" \\") for line in lines[:-1]) and len(lines) > 5
    assert all(line.startswith("  -") for line in lines[1:])


LIBVIRT = """\
<domain type='kvm'>
  <name>from-libvirt</name>
  <memory unit='MiB'>384</memory>
  <vcpu>2</vcpu>
  <os><type arch='x86_64'>hvm</type><kernel>/k</kernel><cmdline>console=ttyS0</cmdline></os>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/><source file='/d.qcow2'/><target dev='vda'/>
    </disk>
    <hostdev mode='subsystem' type='pci' managed='yes'><source>
      <address domain='0x0000' bus='0x07' slot='0x10' function='0x2'/>
    </source></hostdev>
    <hostdev mode='subsystem' type='pci' managed='yes'><source>
      <address domain='0x0000' bus='0x03' slot='0x00' function='0x0'/>
    </source></hostdev>
    <sound model='ich6'/>
  </devices>
</domain>
"""


def test_from_libvirt(xe, tmp_path):
    path = tmp_path / "domain.xml"
    path.write_text(LIBVIRT)
    rc, out, err = xe.daemon.cli("vm", "define", "--from-libvirt", path, "--memory", "64M")
    assert rc == 0 and "0000:03:00.0" in err and "sound" in err and "07:10.2" not in err
    uuid = out.strip()
    shown = vm(xe.daemon, "show", "from-libvirt")
    assert shown.startswith(f"VM from-libvirt  {uuid}  halted\n  memory       64 MiB\n")
    assert "  disk         /d.qcow2,format=qcow2\n" in shown
    assert "  VFs          0000:07:10.2\n" in shown
    refused_again = vm(xe.daemon, "define", "again", "--from-libvirt", path, code=1)
    assert "0000:07:10.2" in refused_again
    path.write_text("<domain>\n<name>x</nome>\n</domain>\n")
    assert f"{path}:2" in vm(xe.daemon, "define", "--from-libvirt", path, code=1)
    assert xe("vm-list", "--minimal") == uuid


# Completion

BASH = """
PATH=$PROGRAMS:$PATH
. "$COMPLETION/bash/xe"
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_softiov
printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH = """
path=($PROGRAMS $path)
fpath=($COMPLETION/zsh $fpath)
autoload -Uz _softiov _xe
compadd() { while [[ $1 != -- ]]; do shift; done; shift; print -rl -- "$@" }
compset() { : }
_files() { print files }
words=("$@")
CURRENT=$#
_$1
"""


@pytest.fixture
def complete(xe, tmp_path):
    """complete(shell, words...): how the last word can go on, as the shell has it."""
    for name in ("xe", "softiov"):
        wrapper = tmp_path / name
        wrapper.write_text(f"#!/bin/bash\nexec -a {name} {program('softiov')} "
                           f"--socket {xe.daemon.api} \"$@\"\n")
        wrapper.chmod(0o755)
    env = {**os.environ, "PROGRAMS": str(tmp_path), "COMPLETION": str(REPO / "data/completion")}

    def complete(shell, *words):
        command = {"bash": ["bash", "-c", BASH, "bash"], "zsh": ["zsh", "-f", "-c", ZSH, "zsh"]}
        done = subprocess.run([*command[shell], *words], env=env, capture_output=True, text=True)
        assert done.stderr == ""
        return set(filter(None, done.stdout.splitlines()))

    return complete


def test_completion_in_bash(xe, complete):
    one, two = (xe("vm-create", f"name-label={name}") for name in ("one", "the other"))

    def bash(*words):
        return complete("bash", *words)

    assert bash("xe", "vm-param-s") == {"vm-param-set"}
    assert bash("xe", "vm-start", "u") == {"uuid="}
    assert bash("xe", "vm-start", "uuid", "=") == {one, two}
    assert bash("xe", "vm-start", "uuid", "=", one[:9]) == {one}
    assert bash("xe", "vm-start", "vm", "=", "o") == {"one"}
    assert bash("xe", "vm-start", "vm", "=", "the\\ ") == {"the\\ other"}
    assert bash("xe", "vm-param-set", f"uuid={one}", "other-config", ":", "p") == {"pci="}
    free = bash("xe", "vm-param-set", "other-config", ":", "pci", "=")
    assert free == {f"0/0000:07:{slot}.{function}" for slot in (10, 11)
                    for function in (0, 2, 4, 6)}
    xe("vm-param-set", f"uuid={one}", "other-config:pci=0/0000:07:10.0", "other-config:k=v")
    assert bash("xe", "vm-param-set", "other-config", ":", "pci", "=", "0/0000", ":", "07", ":",
                "10.2,1/0000", ":", "07", ":", "10") == {"10.4", "10.6"}
    assert bash("xe", "vm-param-get", "uuid", "=", one, "param-name", "=", "other-config",
                "param-key", "=") == {"pci", "k"}
    assert bash("xe", "vm-list", "params", "=", "uuid,name-l") == {"uuid,name-label"}
    assert bash("xe", "vm-shutdown", "--f") == {"--force"}
    assert bash("xe", "vm-create", "PV-kernel", "=", "/etc/host") >= {"/etc/hosts"}
    assert bash("softiov", "vm", "shu") == {"shutdown"}
    assert bash("softiov", "vm", "start", "o") >= {"one"}
    assert bash("softiov", "vm", "plug", "one", "0000", ":", "07", ":", "11.6") == {"11.6"}
    assert bash("softiov", "vm", "define", "x", "--restart", "on") == {"on-failure"}
    assert bash("softiov", "xe", "vm-st") == {"vm-start"}
    assert bash("softiov", "card", "plug", "") == {"0000:07"}
    assert bash("xe", "vm-explode", "") == set()


def test_completion_in_zsh(xe, complete):
    one, two = (xe("vm-create", f"name-label={name}") for name in ("one", "the other"))

    def zsh(*words):
        return complete("zsh", *words)

    assert zsh("xe", "vm-param-s") == {"vm-param-set"}
    assert zsh("xe", "vm-start", "uuid=") == {f"uuid={one}", f"uuid={two}"}
    assert zsh("xe", "vm-start", "vm=the\\ ") == {"vm=the other"}
    assert zsh("xe", "vm-create", "PV-kernel=/") == {"files"}
    assert zsh("softiov", "vm", "start", two[:9]) == {two}


def test_completion_without_a_daemon(tmp_path):
    done = subprocess.run([program("softiov"), "--socket", tmp_path / "none", "__complete", "xe",
                           "vm-start", "uuid="], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
