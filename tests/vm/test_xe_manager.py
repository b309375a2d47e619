# SPDX-License-Identifier: BSD-3-Clause
"""VMs of the daemon by its API: definitions, assignment, refusals, lives with real guests."""

import os
import signal
import sqlite3
import threading
import time
from types import SimpleNamespace

import pytest

from lab import wait_until
from lab.util import vm_lock

from manager import Api, Refused, config
from vfio_user import Client

VF = [f"0000:07:1{n // 4}.{n % 4 * 2}" for n in range(8)]
PF = "0000:07:00.0"
NOBODY = "00000000-0000-0000-0000-000000000001"

TWO_CARDS = config() + """\
  - address: "0000:0a"
    mode: vm
"""


@pytest.fixture(scope="module")
def house(module_crew):
    daemon = module_crew.daemon(TWO_CARDS)
    daemon.socket(VF[-1])
    return SimpleNamespace(daemon=daemon, api=Api(daemon))


@pytest.fixture
def api(house):
    yield house.api
    house.api.forget_all()


@pytest.fixture
def own(crew):
    """A daemon of one test: returns a function that starts it. Its VMs end with the test."""
    daemons = []

    def start(text=None, **options):
        daemon = crew.daemon(text or config(), **options)
        daemons.append(daemon)
        daemon.socket(VF[-1])
        return SimpleNamespace(daemon=daemon, api=Api(daemon))

    yield start
    for daemon in daemons:
        if daemon.process:
            daemon.kill()
        for noted in daemon.run_dir.glob("vm/*/pid"):
            pid = int(noted.read_text())
            try:
                if str(daemon.run_dir).encode() in open(f"/proc/{pid}/cmdline", "rb").read():
                    os.kill(pid, signal.SIGKILL)
            except OSError:
                pass    # it ended


@pytest.fixture
def guests():
    """VMs may run in this test."""
    vm_lock.acquire()
    yield
    vm_lock.release()


def refused(code, *params, status=None):
    """A context in which the daemon must refuse with this code and these parameters."""
    class Expect:
        def __enter__(self):
            return self

        def __exit__(self, kind, error, _):
            assert kind is Refused, error or "not refused"
            assert error.code == code, error
            if params:
                assert error.params == list(params), error
            if status:
                assert error.status == status, error
            assert error.error
            self.error, self.params = error.error, error.params
            return True
    return Expect()


# Records

def test_definition(api):
    uuid = api.define("one")
    assert api.vm(uuid) == {
        "uuid": uuid, "name-label": "one", "name-description": "", "power-state": "halted",
        "memory": 512 << 20, "vcpus": 1, "kernel": "", "initrd": "", "kernel-args": "",
        "firmware": "", "disks": [], "accel": "auto", "restart": "never", "other-config": {},
        "pci": [], "pid": None, "start-time": None}
    members = {
        "uuid": "12345678-1234-1234-1234-1234567890AB", "name-label": "two",
        "name-description": "ü, \"x\"", "memory": 64 << 20, "vcpus": 64, "kernel": "/k",
        "initrd": "/i", "kernel-args": "a=b,c", "firmware": "/f",
        "disks": [{"path": "/d"}, {"path": "/e", "format": "qcow2", "read-only": True}],
        "accel": "tcg", "restart": "always", "other-config": {"a": "b", "empty": ""},
        "pci": [VF[1], VF[0]]}
    two = api.call("POST", "/vm", members)["uuid"]
    assert two == members["uuid"].lower()
    record = api.vm(two.upper())
    expected = {**members, "uuid": two, "power-state": "halted", "pid": None, "start-time": None,
                "disks": [{"path": "/d", "format": "raw", "read-only": False},
                          members["disks"][1]],
                "other-config": {"a": "b", "empty": "", "pci": f"0/{VF[1]},1/{VF[0]}"}}
    assert record == expected
    assert sorted(vm["uuid"] for vm in api.vms()) == sorted([uuid, two])
    with refused("VALUE_INVALID", "uuid", two):
        api.define("three", uuid=two)
    api.delete(f"/vm/{two}")
    with refused("UUID_INVALID", "VM", two, status=404):
        api.vm(two)
    assert [vm["uuid"] for vm in api.vms()] == [uuid]


def test_changes(api):
    uuid = api.define("one", other_config={"a": "1", "b": "2"})
    api.patch(f"/vm/{uuid}", name_label="uno", vcpus=2, other_config={"a": None, "c": "3"})
    record = api.vm(uuid)
    assert (record["name-label"], record["vcpus"]) == ("uno", 2)
    assert record["other-config"] == {"b": "2", "c": "3"}
    api.patch(f"/vm/{uuid}", other_config={"pci": f"7/{VF[0]},0/{VF[2].upper()}"})
    assert api.vm(uuid)["pci"] == [VF[2], VF[0]]
    assert api.vm(uuid)["other-config"]["pci"] == f"0/{VF[2]},1/{VF[0]}"
    api.patch(f"/vm/{uuid}", pci=[VF[3]])
    assert api.vm(uuid)["other-config"]["pci"] == f"0/{VF[3]}"
    assert [f["address"] for f in api.get("/pci")["functions"] if f["vm"] == uuid] == [VF[3]]
    api.patch(f"/vm/{uuid}", other_config={"pci": None})
    assert api.vm(uuid)["pci"] == [] and api.vm(uuid)["other-config"] == {"b": "2", "c": "3"}
    api.patch(f"/vm/{uuid}", other_config={"pci": f"0/{VF[0]}"})
    api.patch(f"/vm/{uuid}", other_config={"pci": ""})
    assert api.vm(uuid)["pci"] == []


WRONG = {
    "name-label": ["", 5, "a\nb", "x" * 256], "name-description": [None, 1],
    "memory": [0, 1 << 20, (64 << 20) + 1, "1G", 1 << 60], "vcpus": [0, 65, "2", 1.5],
    "kernel": ["relative", 1, "/" + "x" * 1023], "initrd": ["x"], "kernel-args": [["a"]],
    "firmware": ["x"], "accel": ["hvf", 1], "restart": ["sometimes"],
    "disks": ["/d", [{}], [{"path": "d"}], [{"path": ""}], [{"path": "/d", "format": "vmdk"}],
              [{"path": "/d", "read-only": 1}], [{"path": "/d", "bus": "ide"}], [1],
              [{"path": "/d"}] * 15],
    "other-config": [[], {"": "x"}, {"a": 1}], "power-state": ["running"], "pid": [1],
    "colour": ["blue"]}


@pytest.mark.parametrize("member", WRONG)
def test_values(api, member):
    uuid = api.define("one")
    before = api.vm(uuid)
    for value in WRONG[member]:
        with refused("VALUE_INVALID", status=400) as told:
            api.call("PATCH", f"/vm/{uuid}", {"vcpus": 3, member: value})
        assert member in told.error
        with refused("VALUE_INVALID", status=400):
            api.call("POST", "/vm", {"name-label": "x", member: value})
    assert api.vms() == [before]
    with refused("VALUE_INVALID", "name-label", ""):
        api.call("POST", "/vm", {})


def test_assignment_refused(api, house):
    one, two = api.define("one", pci=[VF[0]]), api.define("two")
    before = api.vms()
    addresses = {
        "x": "PCI_ADDRESS_INVALID", VF[1]: "PCI_ADDRESS_INVALID", f"0/{VF[1]},": None,
        f"0/{VF[1][5:]}": "PCI_ADDRESS_INVALID", f"-1/{VF[1]}": "PCI_ADDRESS_INVALID",
        f"0/{VF[1]}x": "PCI_ADDRESS_INVALID", f"0/{VF[1]} ,1/{VF[2]}": "PCI_ADDRESS_INVALID",
        "0/0000:07:20.0": "PCI_ADDRESS_INVALID", "0/0000:07:10.8": "PCI_ADDRESS_INVALID",
        ",": "PCI_ADDRESS_INVALID", f"99999999999999999999999/{VF[1]}": "PCI_ADDRESS_INVALID"}
    for words, code in addresses.items():
        with refused(code or "PCI_ADDRESS_INVALID", status=400):
            api.patch(f"/vm/{two}", other_config={"pci": words})
    with refused("PCI_ADDRESS_INVALID") as told:      # cut, but not within a character
        api.patch(f"/vm/{two}", other_config={"pci": "é" * 100})
    assert told.params[0].startswith("é" * 20)
    with refused("PCI_ADDRESS_INVALID", "07:10.2"):
        api.patch(f"/vm/{two}", pci=["07:10.2"])
    with refused("PCI_DEVICE_DUPLICATE", VF[1], status=400):
        api.patch(f"/vm/{two}", other_config={"pci": f"0/{VF[1]},1/{VF[1]}"})
    with refused("PCI_DEVICE_IN_USE", VF[0], one, status=409):
        api.patch(f"/vm/{two}", other_config={"pci": f"0/{VF[1]},1/{VF[0]}"})
    with refused("PCI_DEVICE_IN_USE", VF[0], one):
        api.define("three", pci=[VF[1], VF[0]])
    with refused("PCI_DEVICE_MISSING", "0000:07:12.0", status=404):
        api.patch(f"/vm/{two}", other_config={"pci": "0/0000:07:12.0"})
    with refused("PCI_DEVICE_MISSING", PF):
        api.patch(f"/vm/{two}", pci=[PF])
    with refused("PCI_DEVICE_WRONG_MODE", "0000:0a:10.0", status=409):
        api.patch(f"/vm/{two}", pci=["0000:0a:10.0"])
    with refused("VALUE_INVALID"):
        api.patch(f"/vm/{two}", pci=[VF[1]], other_config={"pci": f"0/{VF[1]}"})
    with Client(house.daemon.socket(VF[3])):
        with refused("PCI_DEVICE_IN_USE", VF[3], f"pid {os.getpid()}"):
            api.patch(f"/vm/{two}", vcpus=2, pci=[VF[1], VF[3]])
    assert api.vms() == before


def test_paths_and_methods(api):
    uuid = api.define("one")
    for method, path, status in (("PUT", "/vm", 405), ("DELETE", "/vm", 405), ("GET", "/vm/", 404),
                                 ("POST", f"/vm/{uuid}", 405), ("GET", f"/vm/{uuid}/start", 405),
                                 ("GET", f"/vm/{uuid}/x", 404), ("GET", "/pci/1", 404),
                                 ("POST", "/host", 405), ("GET", f"/vf/{VF[0]}/policy", 405)):
        with pytest.raises(Refused) as told:
            api.call(method, path)
        assert told.value.status == status, path
    for path in ("/vm/x", f"/vm/{NOBODY}", f"/vm/{uuid}0"):
        with refused("UUID_INVALID", status=404):
            api.get(path)
    for request in ("start", "shutdown", "reboot", "plug", "unplug", "take"):
        body = {"function": VF[0]} if request in ("plug", "unplug", "take") else {}
        with refused("UUID_INVALID", "VM", NOBODY):
            api.post(f"/vm/{NOBODY}/{request}", **body)
    with refused("VALUE_INVALID"):
        api.post(f"/vm/{uuid}/shutdown", force="yes")
    with refused("VALUE_INVALID"):
        api.post(f"/vm/{uuid}/start", now=True)


def test_start_refused(api, house):
    uuid = api.define("one", kernel="/nowhere/vmlinuz")
    with refused("FILE_MISSING", "kernel", "/nowhere/vmlinuz", status=409):
        api.post(f"/vm/{uuid}/start")
    api.patch(f"/vm/{uuid}", kernel="/dev/null", disks=[{"path": "/nowhere/disk"}])
    with refused("FILE_MISSING", "disks", "/nowhere/disk"):
        api.post(f"/vm/{uuid}/start")
    for member in ("initrd", "firmware"):
        other = api.define(member, kernel="/dev/null", **{member: "/nowhere"})
        with refused("FILE_MISSING", member, "/nowhere"):
            api.post(f"/vm/{other}/start")
    api.patch(f"/vm/{uuid}", kernel="", disks=[])
    with refused("VM_START_FAILED", status=409):
        api.post(f"/vm/{uuid}/start")
    for request, expected in (("shutdown", "running"), ("reboot", "running")):
        for force in (False, True):
            with refused("VM_BAD_POWER_STATE", uuid, expected, "halted"):
                api.post(f"/vm/{uuid}/{request}", force=force)
    api.patch(f"/vm/{uuid}", kernel="/dev/null", pci=[VF[5]])
    with Client(house.daemon.socket(VF[5])):
        with refused("PCI_DEVICE_IN_USE", VF[5], f"pid {os.getpid()}"):
            api.post(f"/vm/{uuid}/start")
    with refused("VM_START_FAILED"):    # no kernel at all: QEMU's words
        api.post(f"/vm/{uuid}/start")
    assert api.state(uuid) == "halted"


def test_old_qemu(own, tmp_path):
    old = tmp_path / "qemu"
    old.write_text("#!/bin/sh\ncase $1 in\n--version) echo QEMU emulator version 9.2.1;;\nesac\n")
    old.chmod(0o755)
    api = own(config(old)).api
    uuid = api.define("one", kernel="/dev/null", pci=[VF[0]])
    for call in (lambda: api.post(f"/vm/{uuid}/start"), lambda: api.get(f"/vm/{uuid}/qemu-args")):
        with refused("QEMU_TOO_OLD", "9.2.1", "10.1", status=409):
            call()
    assert api.get("/host")["qemu-version"] == "9.2.1"
    old.unlink()
    with refused("VM_START_FAILED"):
        api.post(f"/vm/{uuid}/start")


def test_missing_vf_stays_assigned(own):
    house = own()
    uuid = house.api.define("one", kernel="/dev/null", pci=[VF[7]])
    house.api.patch(f"/pf/{PF}", numvfs=4)
    assert house.api.vm(uuid)["pci"] == [VF[7]]
    with refused("PCI_DEVICE_MISSING", VF[7]):
        house.api.post(f"/vm/{uuid}/start")
    house.api.patch(f"/vm/{uuid}", pci=[VF[7], VF[0]])
    assert house.api.vm(uuid)["pci"] == [VF[7], VF[0]]


# What there is

def test_functions(api, house):
    functions = {f["address"]: f for f in api.get("/pci")["functions"]}
    shown = house.daemon.functions()
    assert set(functions) == set(shown)
    vf = functions[VF[1]]
    assert {**vf, "uuid": "", "mac": ""} == {
        "uuid": "", "address": VF[1], "kind": "VF", "physfn": PF, "vendor": "8086",
        "device": "10ed", "vendor-name": "Intel Corporation",
        "device-name": "82599 Ethernet Controller Virtual Function",
        "class-name": "Ethernet controller", "driver": None,
        "socket": str(house.daemon.socket(VF[1])), "vm": None, "mac": ""}
    assert vf["mac"] == shown[VF[1]]["mac"]
    assert functions[PF]["kind"] == "PF" and functions[PF]["device"] == "10f8"
    pifs = {p["address"]: p for p in api.get("/pif")["pifs"]}
    assert set(pifs) == {PF, "0000:0a:00.0"}
    assert pifs[PF]["device"] == "sv0" and pifs[PF]["mtu"] == 1500 and pifs[PF]["numvfs"] == 8
    assert pifs[PF]["carrier"] is True and pifs[PF]["speed"] == 10000
    host = api.get("/host")
    assert host["qemu-version"] and host["accel"] in ("kvm", "tcg") and host["cpus"] > 0


def test_networks_and_sriov(api, house):
    network = api.post("/network", **{"name-label": "blue", "name-description": "d"})["uuid"]
    pif = next(p["uuid"] for p in api.get("/pif")["pifs"] if p["address"] == PF)
    other = next(p["uuid"] for p in api.get("/pif")["pifs"] if p["address"] != PF)
    with refused("UUID_INVALID", "PIF", NOBODY):
        api.post("/sriov", pif=NOBODY, network=network)
    with refused("UUID_INVALID", "network", NOBODY):
        api.post("/sriov", pif=pif, network=NOBODY)
    with refused("PCI_DEVICE_WRONG_MODE"):
        api.post("/sriov", pif=other, network=network)
    with refused("VALUE_INVALID"):
        api.post("/network")
    sriov = api.post("/sriov", pif=pif, network=network)["uuid"]
    assert api.get("/sriov")["sriovs"] == [
        {"uuid": sriov, "network": network, "pf": PF, "numvfs": 8}]
    with refused("SRIOV_IN_USE", sriov):
        api.post("/sriov", pif=pif, network=network)
    with refused("SRIOV_IN_USE", sriov):
        api.delete(f"/network/{network}")
    shown = next(p for p in api.get("/pif")["pifs"] if p["uuid"] == pif)
    assert (shown["sriov"], shown["network"]) == (sriov, network)
    vm = api.define("one", pci=[VF[0]])
    with refused("SRIOV_IN_USE", sriov):
        api.delete(f"/sriov/{sriov}")
    api.delete(f"/vm/{vm}")
    api.delete(f"/sriov/{sriov}")
    pifs = {p["address"]: p for p in api.get("/pif")["pifs"]}
    assert pifs[PF]["numvfs"] == 0 and pifs[PF]["sriov"] is None
    sriov = api.post("/sriov", pif=pif, network=network)["uuid"]
    assert {p["address"]: p for p in api.get("/pif")["pifs"]}[PF]["numvfs"] == 63
    api.patch(f"/pf/{PF}", numvfs=8)
    wait_until(lambda: api.get("/sriov")["sriovs"][0]["numvfs"] == 8, 30)
    numvfs = house.daemon.run_dir / f"sys/bus/pci/devices/{PF}/sriov_numvfs"
    for number in (0, 5):
        numvfs.write_text(str(number))
    wait_until(lambda: api.get("/sriov")["sriovs"][0]["numvfs"] == 5, 30)
    api.delete(f"/sriov/{sriov}")
    api.patch(f"/pf/{PF}", numvfs=8)


# The inventory

@pytest.mark.parametrize("end", ["stop", "kill"])
def test_restart(own, end):
    house = own()
    api = house.api
    api.define("one", pci=[VF[0]], other_config={"k": "v"})
    api.define("two", pci=[VF[2], VF[1]])
    network = api.post("/network", **{"name-label": "n"})["uuid"]
    pif = api.get("/pif")["pifs"][0]["uuid"]
    api.post("/sriov", pif=pif, network=network)
    api.patch(f"/pf/{PF}", numvfs=10)
    house.daemon.vf_set(VF[1], "mac", "52:54:00:00:00:77", "vlan", "77", "trust", "on")
    house.daemon.vf_set(VF[2], "max_tx_rate", "500")
    house.daemon.vf_set("0000:07:12.0", "vlan", "12")
    before = api.vms(), api.get("/sriov"), api.get("/network"), api.get("/pci")["functions"]
    getattr(house.daemon, end)()
    house.daemon.start()

    def policy():
        functions = house.daemon.functions()
        if "0000:07:12.2" not in functions:
            return None
        return (functions[VF[1]]["mac"], functions[VF[1]]["vlan"], functions[VF[1]]["trust"],
                functions[VF[2]]["max_tx_rate"], functions["0000:07:12.0"]["vlan"])

    wait_until(lambda: policy() == ("52:54:00:00:00:77", 77, True, 500, 12), 10, policy)
    assert (api.vms(), api.get("/sriov"), api.get("/network"),
            api.get("/pci")["functions"]) == before


def test_policy(own):
    """It is given back whenever the VF comes into existence, and forgotten when that is said."""
    house = own()

    def vlan(vf):
        found = house.daemon.functions().get(vf)
        return found and found["vlan"]

    house.daemon.vf_set(PF, "vf", "6", "vlan", "66")
    house.api.patch(f"/pf/{PF}", numvfs=4)
    house.api.patch(f"/pf/{PF}", numvfs=8)
    wait_until(lambda: vlan(VF[6]) == 66, 30)
    house.api.patch("/card/0000:07", mode="vm")
    house.api.patch("/card/0000:07", mode="host")
    wait_until(lambda: vlan(VF[6]) == 66, 30)
    assert house.daemon.cli("vf", "unset", VF[6])[0] == 0
    assert vlan(VF[6]) == 66
    house.api.patch(f"/pf/{PF}", numvfs=4)
    house.api.patch(f"/pf/{PF}", numvfs=8)
    house.daemon.stop()
    house.daemon.start()
    house.daemon.socket(VF[7])
    assert vlan(VF[6]) == 0
    assert house.daemon.cli("vf", "unset", "0000:07:10.x")[0] == 2
    with refused("PCI_ADDRESS_INVALID", "0000:07:10.x"):
        house.api.delete("/vf/0000:07:10.x/policy")


def test_policy_that_the_card_refuses(own):
    """It is said, and kept."""
    house = own()
    mac = "52:54:00:00:00:06"
    house.daemon.vf_set(VF[6], "mac", mac)
    house.daemon.stop()
    former = house.daemon.config
    house.daemon.config += f"    ports: [{{ pfs: [{{ vf: {{ 0: {{ mac: '{mac}' }} }} }}] }}]\n"
    house.daemon.start()
    wait_until(lambda: f"{VF[6]}: what was set of it is kept but not in force: {mac}" in
               house.daemon.logs(), 5)
    assert house.daemon.function(VF[0])["mac"] == mac
    house.daemon.stop()
    house.daemon.config = former
    house.daemon.start()
    wait_until(lambda: house.daemon.functions().get(VF[6], {}).get("mac") == mac, 30)


@pytest.mark.parametrize("harm", ["newer", "damaged", "file"])
def test_no_inventory(own, harm):
    """The cards work without; the inventory is not touched, and every request says why."""
    house = own()
    house.api.define("one")
    house.daemon.stop()
    path = house.daemon.run_dir / "inventory/inventory.db"
    if harm == "newer":
        with sqlite3.connect(path) as database:
            database.execute("PRAGMA user_version = 99")
        database.close()
    elif harm == "damaged":
        path.write_bytes(b"x" * 8192)
    else:
        path.unlink()
        path.parent.rmdir()
        path.parent.write_text("in the way")
    before = path.read_bytes() if harm != "file" else None
    house.daemon.start()
    house.daemon.socket(VF[0])
    for request in ("/vm", "/pci", "/host"):
        with refused("INTERNAL_ERROR", status=503) as told:
            house.api.get(request)
        assert "no VMs here" in told.error
    house.daemon.vf_set(VF[0], "vlan", "5")
    assert house.daemon.function(VF[0])["vlan"] == 5
    assert house.daemon.stop() == 0
    assert before is None or path.read_bytes() == before


def test_data_dir(own, tmp_path):
    house = own(args=["--data-dir", tmp_path / "data"])
    uuid = house.api.define("one")
    assert (tmp_path / "data/inventory.db").exists()
    assert not (house.daemon.run_dir / "inventory").exists()
    house.daemon.stop()
    other = own(args=["--data-dir", tmp_path / "data"])
    assert other.api.vms()[0]["uuid"] == uuid


def test_two_clients_one_function(api):
    """A hundred times two clients assign the same VF at once: exactly one wins."""
    vms = api.define("a"), api.define("b")
    for round_ in range(100):
        results = {}
        barrier = threading.Barrier(2)

        def assign(vm):
            barrier.wait()
            try:
                if round_ % 2:
                    api.post(f"/vm/{vm}/plug", function=VF[0])
                else:
                    api.patch(f"/vm/{vm}", other_config={"pci": f"0/{VF[0]}"})
                results[vm] = None
            except Refused as error:
                results[vm] = error

        threads = [threading.Thread(target=assign, args=[vm]) for vm in vms]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        winners = [vm for vm in vms if results[vm] is None]
        assert len(winners) == 1, results
        loser = results[next(vm for vm in vms if vm not in winners)]
        assert (loser.code, loser.params) == ("PCI_DEVICE_IN_USE", [VF[0], winners[0]])
        assert [vm["uuid"] for vm in api.vms() if vm["pci"]] == winners
        api.post(f"/vm/{winners[0]}/unplug", function=VF[0])


def test_hundred_vms(api, record_property):
    for number in range(100):
        api.define(f"vm{number}", other_config={"n": str(number)})
    times = []
    for _ in range(20):
        start = time.monotonic()
        assert len(api.vms()) == 100
        times.append(time.monotonic() - start)
    text = f"GET /v1/vm with 100 VMs: {min(times) * 1000:.1f} to {max(times) * 1000:.1f} ms"
    record_property("hundred_vms", text)
    print(text)


def test_plug_while_halted(api):
    one, two = api.define("one"), api.define("two")
    api.post(f"/vm/{one}/plug", function=VF[0])
    api.post(f"/vm/{one}/plug", function=VF[1].upper())
    assert api.vm(one)["pci"] == [VF[0], VF[1]]
    for request in ("plug", "take"):
        with refused("PCI_DEVICE_IN_USE", VF[0], one):
            api.post(f"/vm/{one}/{request}", function=VF[0])
        with refused("PCI_DEVICE_MISSING", "0000:07:12.0"):
            api.post(f"/vm/{one}/{request}", function="0000:07:12.0")
        with refused("PCI_ADDRESS_INVALID"):
            api.post(f"/vm/{one}/{request}", function="x")
        with refused("PCI_ADDRESS_INVALID"):
            api.post(f"/vm/{one}/{request}")
    with refused("PCI_DEVICE_IN_USE", VF[0], one):
        api.post(f"/vm/{two}/plug", function=VF[0])
    api.post(f"/vm/{two}/take", function=VF[0])
    assert (api.vm(one)["pci"], api.vm(two)["pci"]) == ([VF[1]], [VF[0]])
    with refused("PCI_DEVICE_MISSING", VF[0]):
        api.post(f"/vm/{one}/unplug", function=VF[0])
    api.post(f"/vm/{one}/unplug", function=VF[1])
    assert api.vm(one)["pci"] == []


# Lives

def test_life(guests, api, house):
    uuid = api.bootable("one", pci=[VF[0], VF[1]])
    args = api.get(f"/vm/{uuid}/qemu-args")["args"]
    assert any(str(house.daemon.socket(VF[1])) in word for word in args)
    api.post(f"/vm/{uuid}/start")
    record = api.vm(uuid)
    assert record["power-state"] == "running"
    assert uuid in open(f"/proc/{record['pid']}/cmdline").read()
    assert abs(record["start-time"] - time.time()) < 60
    with refused("VM_BAD_POWER_STATE", uuid, "halted", "running"):
        api.post(f"/vm/{uuid}/start")
    for change in ({"vcpus": 2}, {"kernel": ""}, {"pci": []}, {"other-config": {"pci": None}}):
        with refused("VM_BAD_POWER_STATE", uuid, "halted", "running"):
            api.call("PATCH", f"/vm/{uuid}", {"name-label": "x", **change})
    with refused("VM_BAD_POWER_STATE"):
        api.delete(f"/vm/{uuid}")
    api.patch(f"/vm/{uuid}", name_label="uno", restart="on-failure", other_config={"k": "v"})
    two = api.define("two")
    with refused("VM_BAD_POWER_STATE", uuid, "halted", "running"):
        api.post(f"/vm/{two}/take", function=VF[0])
    # Who may use the API may join the console, and have nothing else of the VM.
    socket = house.daemon.run_dir / "softiov.sock"
    console = house.daemon.run_dir / "vm" / uuid / "console.sock"
    assert console.stat().st_mode == socket.stat().st_mode
    assert console.with_name("qmp.sock").stat().st_mode & 0o077 == 0
    api.wait_booted(uuid)
    with api.shell(uuid) as shell:
        assert "ixgbevf" in shell.sh("ls -l /sys/bus/pci/drivers/ | grep ixgbevf")
        count = "ls /sys/bus/pci/drivers/ixgbevf | grep -c :"
        assert shell.sh(count) == "2\n"
        # Hot plug, as often as a port is free; a function taken out again aborts some QEMUs.
        for vf in VF[2:6]:
            api.post(f"/vm/{uuid}/plug", function=vf)
        wait_until(lambda: shell.sh(count) == "6\n", 20)
        with refused("PLUG_FAILED"):
            api.post(f"/vm/{uuid}/plug", function=VF[6])
        assert api.vm(uuid)["pci"] == VF[:6]
    version = api.get("/host")["qemu-version"]
    if version.startswith("11.1"):
        with refused("UNPLUG_UNSAFE", VF[2], version, status=409):
            api.post(f"/vm/{uuid}/unplug", function=VF[2])
        assert api.vm(uuid)["pci"] == VF[:6]
    pid = api.vm(uuid)["pid"]
    api.post(f"/vm/{uuid}/shutdown")
    record = api.vm(uuid)
    assert (record["power-state"], record["pid"], record["start-time"]) == ("halted", None, None)
    assert not os.path.exists(f"/proc/{pid}")
    assert "Power down" in api.console(uuid)
    api.delete(f"/vm/{uuid}")
    assert not (house.daemon.run_dir / "vm" / uuid).exists()


def test_reboot_and_move(guests, api, house):
    one, two = api.bootable("one", pci=[VF[0]]), api.bootable("two")
    house.daemon.vf_set(VF[0], "mac", "52:54:00:00:00:aa", "vlan", "9")
    api.post(f"/vm/{one}/start")
    api.wait_booted(one)
    pid = api.vm(one)["pid"]
    api.post(f"/vm/{one}/reboot", force=True)
    assert api.vm(one)["pid"] == pid
    api.wait_booted(one, 2)
    api.post(f"/vm/{one}/reboot")
    assert api.vm(one)["pid"] not in (None, pid)
    api.wait_booted(one, 3)
    api.post(f"/vm/{one}/shutdown", force=True)
    assert api.state(one) == "halted"
    # At once, to another one: with its policy.
    api.post(f"/vm/{two}/take", function=VF[0])
    api.post(f"/vm/{two}/start")
    api.wait_booted(two)
    with api.shell(two) as shell:
        assert "52:54:00:00:00:aa" in shell.sh("cat /sys/class/net/*/address")
    assert house.daemon.function(VF[0])["vlan"] == 9
    assert api.vm(one)["pci"] == []


def test_take_that_the_vm_refuses(guests, api):
    """All root ports are taken: the function stays where it was, and in its place."""
    one = api.define("one", pci=[VF[5], VF[4], VF[6]])
    two = api.bootable("two")
    api.post(f"/vm/{two}/start")
    for vf in VF[:4]:
        api.post(f"/vm/{two}/plug", function=vf)
    with refused("PLUG_FAILED", status=409):
        api.post(f"/vm/{two}/take", function=VF[4])
    assert api.vm(one)["pci"] == [VF[5], VF[4], VF[6]]
    with refused("PLUG_FAILED", status=409):
        api.post(f"/vm/{two}/plug", function=VF[7])
    assert api.vm(two)["pci"] == VF[:4]
    api.post(f"/vm/{two}/shutdown", force=True)


def test_deaf_guest(guests, api):
    """A guest that does not obey the power button: refused after a minute, and force works."""
    uuid = api.bootable("deaf", kernel_args="console=ttyS0 panic=0 no_timer_check")
    api.post(f"/vm/{uuid}/start")
    results = []

    def shut_down():
        try:
            api.post(f"/vm/{uuid}/shutdown")
        except Refused as error:
            results.append(error)

    thread = threading.Thread(target=shut_down)
    thread.start()
    api.wait_state(uuid, "stopping")
    with refused("VM_BAD_POWER_STATE", uuid, "running", "stopping"):
        api.post(f"/vm/{uuid}/shutdown")
    thread.join()
    assert results[0].code == "VM_BAD_POWER_STATE"
    assert results[0].params == [uuid, "halted", "running"]
    assert api.state(uuid) == "running"
    api.post(f"/vm/{uuid}/shutdown", force=True)
    assert api.state(uuid) == "halted"


def test_restart_policy(guests, api, house):
    uuid = api.bootable("one", restart="on-failure", pci=[VF[0]])
    api.post(f"/vm/{uuid}/start")
    pids = [api.vm(uuid)["pid"]]
    for _ in range(2):
        os.kill(pids[-1], signal.SIGKILL)
        wait_until(lambda: api.vm(uuid)["pid"] not in (None, *pids) and
                   api.state(uuid) == "running", 30)
        pids.append(api.vm(uuid)["pid"])
    # One that keeps dying does not spin: each start waits longer.
    for seconds in (1, 2):
        assert f"starts again in {seconds} s" in house.daemon.logs()
    # Who waits for the next start can be halted.
    os.kill(pids[-1], signal.SIGKILL)
    wait_until(lambda: api.vm(uuid)["pid"] is None, 30)
    assert api.state(uuid) == "starting"
    assert "starts again in 4 s" in house.daemon.logs()
    api.post(f"/vm/{uuid}/shutdown")
    assert api.state(uuid) == "halted"
    # A guest that powers itself off has not failed; with never nothing starts again.
    for policy, ends in (("on-failure", True), ("never", True), ("always", False)):
        api.patch(f"/vm/{uuid}", restart=policy, kernel_args="console=ttyS0 panic=0 "
                  "no_timer_check softiov.probe")
        api.post(f"/vm/{uuid}/start")
        pid = api.vm(uuid)["pid"]
        if ends:
            api.wait_state(uuid, "halted")
            continue
        wait_until(lambda: api.vm(uuid)["pid"] not in (None, pid), 60)
        api.post(f"/vm/{uuid}/shutdown", force=True)
        assert api.state(uuid) == "halted"


def test_failed_start_is_not_repeated(api):
    """Who asked for it is told; nobody else asked."""
    uuid = api.define("dying", kernel="/dev/null", restart="always")
    with refused("VM_START_FAILED"):
        api.post(f"/vm/{uuid}/start")
    assert api.state(uuid) == "halted"


def test_adopted(guests, own):
    house = own()
    api = house.api
    uuid = api.bootable("one", pci=[VF[0]])
    plain = api.bootable("plain")
    for vm in (uuid, plain):
        api.post(f"/vm/{vm}/start")
    for vm in (uuid, plain):
        api.wait_booted(vm)
    before = api.vm(uuid), api.vm(plain)
    house.daemon.kill()
    house.daemon.start()
    house.daemon.socket(VF[-1])
    for vm, former in zip((uuid, plain), before):
        api.wait_state(vm, "running")
        now = api.vm(vm)
        assert now["pid"] == former["pid"]
        assert abs(now["start-time"] - former["start-time"]) <= 5
    assert "lost with the former daemon" in house.daemon.logs()
    # Started anew, its VF is there again.
    api.post(f"/vm/{uuid}/reboot", force=True)
    assert api.vm(uuid)["pid"] not in (None, before[0]["pid"])
    assert house.daemon.function(VF[0])["attached"] == api.vm(uuid)["pid"]
    api.wait_booted(uuid, 2)
    api.post(f"/vm/{plain}/shutdown")
    # Who is not ours any more does not stand in the way of a stop.
    status, _, words = house.daemon.cli("stop")
    assert status == 1 and "attached" in words
    assert house.daemon.stop(timeout=70) == 0
    assert not os.path.exists(f"/proc/{before[0]['pid']}")


def test_stop_powers_off(guests, own):
    house = own()
    api = house.api
    uuid = api.bootable("one")      # attached to nothing
    api.post(f"/vm/{uuid}/start")
    api.wait_booted(uuid)
    pid = api.vm(uuid)["pid"]
    status, _, words = house.daemon.cli("stop")
    assert status == 1 and "1 VMs run" in words
    assert house.daemon.cli("stop", "--force")[0] == 0
    assert house.daemon.process.wait(40) == 0
    assert not os.path.exists(f"/proc/{pid}")
    assert "Power down" in (house.daemon.run_dir / "vm" / uuid / "console.log").read_text()
