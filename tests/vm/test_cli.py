# SPDX-License-Identifier: BSD-3-Clause
"""softiovd and softiov as an administrator meets them: above all, how they refuse."""

import json
import os
import stat
import subprocess
from pathlib import Path

import pytest

from lab import REPO, program, wait_until
from vfio_user import Client, Refused, Vf

BAD_CONFIGS = [
    ("cards:\n  - address: '0000:07'\n    colour: red\n", 3, ["colour", "ports"]),
    ("workers: 99\n", 1, ["99", "1 to 16"]),
    ("workers: many\n", 1, ["many"]),
    ("cards:\n  - address: 7\n", 2, ["'7'", "0000:07"]),
    ("cards:\n  - ports:\n      - uplink: telepathy\n", 3, ["telepathy", "none", "tap:"]),
    ("cards:\n  - ports:\n      - pfs: [{ vfs: 65 }]\n", 3, ["65", "0 to 64"]),
    ("cards:\n  - ports:\n      - pfs: [{}, {}, {}]\n", 3, ["1, 2 or 4"]),
    ("cards:\n  - ports:\n      - pfs: [{ vf: { 0: { mac: '01:00:00:00:00:00' } } }]\n", 3,
     ["01:00:00:00:00:00", "unicast"]),
    ("cards:\n  - ports:\n      - pfs:\n          - vf:\n              0: { vlan: 4095 }\n", 5,
     ["4095", "0 to 4094"]),
    ("cards:\n  - ports:\n      - pfs: [{ vf: { 0: { registers: open } } }]\n", 3,
     ["open", "shared", "trapped"]),
    ("cards:\n  - address: '0000:07'\n  - address: '0000:09'\n", 3, ["overlap"]),
    ("cards:\n  - address: '0000:07'\n    mode: guest\n", 3, ["guest", "host, vm"]),
    ("cards:\n  - device: 10fc\n", 2, ["10fc", "10f8, 10fb"]),
    ("cards: [\n", 2, ["YAML"]),
    ("cards: []\n", 1, ["cards"]),
]
CONFIG_NAMES = ["key", "range", "number", "card", "uplink", "vfs", "pfs", "mac", "vlan",
                "registers", "overlap", "mode", "device", "yaml", "none"]


def softiovd(*args, prefix=(), **kwargs):
    """Run it where it can do no harm, until it ends by itself."""
    return subprocess.run(["unshare", "-n", *prefix, program("softiovd"), *map(str, args)],
                          capture_output=True, text=True, timeout=20,
                          stdin=subprocess.DEVNULL, **kwargs)


def policy(daemon):
    """All that words and requests can change."""
    members = ("numvfs", "mac", "vlan", "qos", "spoofchk", "trust", "state", "query_rss",
               "registers", "max_tx_rate")
    return {address: [function.get(member) for member in members]
            for address, function in daemon.functions().items()}


def one_line(done, *words):
    """It was refused in one line that has these words."""
    assert done.returncode != 0 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("softiovd: ")
    for word in words:
        assert word in done.stderr, (word, done.stderr)
    return done


def nothing_left(run_dir):
    """An orderly end leaves nothing but the inventory, where no other place is named for it."""
    assert [path.name for path in run_dir.iterdir()] == ["inventory"]


@pytest.fixture(scope="module")
def daemon(module_crew):
    daemon = module_crew.daemon("cards: [{ address: '0000:07' }]\n")
    daemon.socket("0000:07:11.6")
    return daemon


@pytest.mark.parametrize("text, line, words", BAD_CONFIGS, ids=CONFIG_NAMES)
@pytest.mark.parametrize("check", [[], ["--check-config"]], ids=["start", "check"])
def test_bad_configuration(tmp_path, text, line, words, check):
    config = tmp_path / "bad.yaml"
    config.write_text(text)
    run_dir = tmp_path / "run"
    done = one_line(softiovd("--config", config, "--run-dir", run_dir, *check),
                    f"{config}:{line}: ", *words)
    assert done.returncode == 2
    assert not run_dir.exists(), "nothing was started"


def test_check_config(tmp_path):
    config = tmp_path / "good.yaml"
    config.write_text("workers: 1\n")
    done = softiovd("--check-config", "--config", config, "--run-dir", tmp_path / "run")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{config}: ok\n", "")
    assert softiovd("--check-config", "--config", REPO / "etc/softiovd.yaml").returncode == 0
    assert not (tmp_path / "run").exists()
    missing = one_line(softiovd("--config", tmp_path / "none.yaml"), "none.yaml", "No such file")
    assert missing.returncode == 2


def test_unknown_words():
    for args, word in ((["--colour"], "--colour"), (["now"], "now"),
                       (["--log-level", "loud"], "loud")):
        done = softiovd(*args)
        assert done.returncode == 2 and word in done.stderr


def test_run_directory_in_use(daemon):
    before = daemon.function("0000:07:10.0")
    one_line(softiovd("--run-dir", daemon.run_dir), str(daemon.api), "in use", "--run-dir")
    assert daemon.function("0000:07:10.0")["messages"] == before["messages"]
    with Vf(daemon.socket("0000:07:10.0")) as vf:
        assert vf.mac == before["mac"], "its sockets still work"


def test_missing_directory(tmp_path):
    one_line(softiovd("--run-dir", tmp_path / "no" / "where"), "no/where", "--run-dir")


def test_run_directory_without_permission(tmp_path):
    tmp_path.chmod(0o755)
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    one_line(softiovd("--run-dir", folder / "run", prefix=nobody, cwd="/"), "closed", "--run-dir")


@pytest.mark.parametrize("ports", ['[{ uplink: "tap:lo" }, {}]', '[{}, { uplink: "tap:lo" }]'])
@pytest.mark.parametrize("mode", ["host", "vm"])
def test_half_a_card(tmp_path, ports, mode):
    """What was made before something failed is taken down in order."""
    config, run_dir = tmp_path / "half.yaml", tmp_path / "run"
    config.write_text(f"cards:\n  - mode: {mode}\n    ports: {ports}\n")
    done = one_line(softiovd("--config", config, "--run-dir", run_dir), "lo")
    assert done.returncode == 1
    nothing_left(run_dir)


def test_card_socket_in_the_way(tmp_path):
    config, run_dir = tmp_path / "vm.yaml", tmp_path / "run"
    config.write_text("cards: [{ mode: vm }]\n")
    (run_dir / "card-0000:07.sock").mkdir(parents=True)
    done = one_line(softiovd("--config", config, "--run-dir", run_dir), "card-0000:07.sock")
    assert done.returncode == 1


def test_stale_sockets_are_replaced(crew):
    daemon = crew.daemon("cards: [{ address: '0000:07' }]\n")
    daemon.socket("0000:07:10.0")
    daemon.kill()
    assert daemon.socket("0000:07:10.0").exists(), "left over"
    daemon.start()
    wait_until(lambda: "0000:07:10.0" in daemon.functions(), 30, "the VF and its new socket")
    with Vf(daemon.socket("0000:07:10.0")):
        pass
    assert daemon.stop() == 0
    nothing_left(daemon.run_dir)


def test_socket_permissions(crew, tmp_path):
    daemon = crew.daemon("api: { mode: '0660' }\ncards:\n  - ports:\n      - pfs:\n"
                         "          - vf-defaults: { socket: { mode: '0640', group: 12 } }\n"
                         "            vf: { 1: { socket: { owner: 34, mode: '0606' } } }\n")
    expected = {daemon.api: (0o660, 0, 0), daemon.socket("0000:07:10.0"): (0o640, 0, 12),
                daemon.socket("0000:07:10.2"): (0o606, 34, 12)}
    for path, (mode, owner, group) in expected.items():
        status = os.stat(path)
        assert stat.S_IMODE(status.st_mode) == mode
        if os.geteuid() == 0:
            assert (status.st_uid, status.st_gid) == (owner, group)


def test_runs_without_root(crew):
    nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    daemon = crew.daemon("cards: [{ address: '0000:07' }]\n", under=nobody, start=False)
    daemon.run_dir.mkdir()
    for path in (daemon.dir, daemon.run_dir):
        os.chown(path, 65534, 65534)
    daemon.start()
    with Vf(daemon.socket("0000:07:10.0")):
        assert daemon.function("0000:07:10.0")["attached"] == os.getpid()
    assert daemon.function("0000:07:00.0")["netdev"] is None


@pytest.mark.parametrize("words, names", [
    (["dance"], "dance"),
    ([], "command"),
    (["--loud", "show"], "--loud"),
    (["show", "me"], "me"),
    (["vf"], "set"),
    (["vf", "set"], "address"),
    (["vf", "set", "0000:07:10.0"], "nothing"),
    (["vf", "set", "0000:07:10.0", "colour", "red"], "colour"),
    (["vf", "set", "0000:07:10.0", "mac"], "mac"),
    (["vf", "set", "0000:07:10.0", "vlan", "many"], "many"),
    (["vf", "set", "0000:07:10.0", "spoofchk", "maybe"], "maybe"),
    (["vf", "set", "0000:07:10.0", "max_tx_rate", "fast"], "0 or 10 to 10000"),
    (["vf", "set", "0000:07:10.0", "min_tx_rate", "10"], "min_tx_rate"),
    (["vf", "set", "0000:07:10.0", "vlan", "1", "vlan", "2"], "twice"),
    (["vf", "set", "0000:07:00.0", "vf", "minus"], "vf"),
    (["vf", "set", "0000:07:10.0", "mac", "52:54:00"], "52:54:00"),
    (["vf", "set", "0000:07:10.0", "vlan", "4095"], "4094"),
    (["vf", "set", "0000:07:10.0", "state", "sideways"], "sideways"),
    (["vf", "qemu-args"], "address"),
    (["pf", "set", "0000:07:00.0", "numvfs"], "numvfs"),
    (["pf", "set", "0000:07:00.0", "numvfs", "x"], "x"),
    (["pf", "set", "0000:07:00.0", "numvfs", "65"], "64"),
    (["pf", "set", "0000:07:00.0", "numvfs", "64"], "63"),  # its own interface takes one pool
    (["card"], "plug, unplug"),
    (["card", "swap", "0000:07"], "swap"),
    (["card", "plug"], "0000:07"),
    (["card", "plug", "0000:07:00.0"], "0000:07"),
    (["card", "unplug", "0000:07", "now"], "one card"),
    (["card", "qemu-args"], "0000:07"),
    (["stop", "now"], "now"),
])
def test_malformed_words(daemon, words, names):
    before = policy(daemon)
    rc, out, err = daemon.cli(*words)
    assert rc == 2 and out == "" and names in err and err.count("\n") == 1
    assert policy(daemon) == before, "nothing changed"


@pytest.mark.parametrize("words, names", [
    (["vf", "set", "0000:07:1f.6", "vlan", "1"], "0000:07:1f.6"),
    (["vf", "set", "0000:07:00.0", "vf", "8", "vlan", "1"], "VF 8"),
    (["vf", "qemu-args", "0000:09:10.0"], "0000:09:10.0"),
    (["pf", "set", "0000:07:00.1", "numvfs", "4"], "0000:07:00.1"),
    (["card", "plug", "0000:08"], "0000:08"),
    (["card", "unplug", "0001:07"], "0001:07"),
    (["card", "qemu-args", "0000:08"], "0000:08"),
    (["card", "qemu-args", "0000:07"], "host mode"),
])
def test_what_is_not_there(daemon, words, names):
    before = policy(daemon)
    rc, out, err = daemon.cli(*words)
    assert rc == 1 and out == "" and names in err
    assert policy(daemon) == before


def test_not_for_everybody(daemon):
    nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    done = subprocess.run([*nobody, program("softiov"), "--socket", daemon.api, "show"],
                          capture_output=True, text=True, timeout=20, cwd="/")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1 and "permission" in done.stderr
    assert str(daemon.api) in done.stderr


def test_no_daemon(tmp_path):
    done = subprocess.run([program("softiov"), "--socket", tmp_path / "none", "show"],
                          capture_output=True, text=True)
    assert done.returncode == 1 and "softiovd" in done.stderr and str(tmp_path) in done.stderr


def curl(daemon, path, *args):
    done = subprocess.run(["curl", "-s", "-w", "%{http_code}", "--unix-socket", daemon.api, *args,
                           f"http://softiov{path}"], capture_output=True, text=True, check=True)
    return int(done.stdout[-3:]), json.loads(done.stdout[:-3])


def test_curl(daemon):
    status, tree = curl(daemon, "/v1/show")
    assert status == 200 and tree["pid"] == daemon.process.pid
    status, answer = curl(daemon, "/v1/pf/0000:07:00.0/vf/3", "-X", "PATCH", "-d",
                          '{"vlan": 7, "qos": 3, "mac": "52:54:00:00:00:33"}')
    assert (status, answer) == (200, {"ok": True})
    vf = daemon.function("0000:07:10.6")
    assert (vf["vlan"], vf["qos"], vf["mac"]) == (7, 3, "52:54:00:00:00:33")
    assert curl(daemon, "/v1/vf/0000:07:10.6", "-X", "PATCH", "-d", '{"vlan": 0}')[0] == 200
    assert daemon.function("0000:07:10.6")["vlan"] == 0


@pytest.mark.parametrize("status, path, args, names", [
    (404, "/v1/tell", [], "/v1/tell"),
    (405, "/v1/show", ["-X", "POST"], "GET"),
    (404, "/v1/vf/0000:07:1f.7", ["-X", "PATCH", "-d", '{"vlan": 1}'], "0000:07:1f.7"),
    (400, "/v1/vf/0000:07:10.0", ["-X", "PATCH", "-d", "{"], "JSON"),
    (400, "/v1/vf/0000:07:10.0", ["-X", "PATCH", "-d", "[]"], "object"),
    (400, "/v1/vf/0000:07:10.0", ["-X", "PATCH", "-d", '{"colour": 1}'], "colour"),
    (400, "/v1/vf/0000:07:10.0", ["-X", "PATCH", "-d", '{"vlan": "1"}'], "vlan"),
    (400, "/v1/vf/0000:07:10.0", ["-X", "PATCH", "-d", '{"qos": 1, "vlan": 5000}'], "vlan"),
    (400, "/v1/pf/0000:07:00.0", ["-X", "PATCH", "-d", '{"numvfs": -1}'], "numvfs"),
    (404, "/v1/card/0000:08", ["-X", "PATCH", "-d", '{"mode": "vm"}'], "0000:08"),
    (400, "/v1/card/0000:07", ["-X", "PATCH", "-d", '{"mode": "both"}'], "host, vm"),
    (400, "/v1/stop", ["-X", "POST", "-d", '{"force": "yes"}'], "force"),
])
def test_malformed_requests(daemon, status, path, args, names):
    before = policy(daemon)
    got, answer = curl(daemon, path, *args)
    assert got == status and names in answer["error"]
    assert policy(daemon) == before


def test_show_is_a_tree(daemon):
    rc, out, _ = daemon.cli("show")
    assert rc == 0
    assert [line.split()[0] for line in out.splitlines()][:4] == ["card", "port", "PF", "VF"]
    assert out.count("  free\n") == 8


def test_qemu_args_are_those_that_work(daemon):
    rc, out, _ = daemon.cli("vf", "qemu-args", "0000:07:10.0")
    assert rc == 0 and out.count("\n") == 1
    words = subprocess.run(["sh", "-c", f"printf '%s\\n' {out}"], capture_output=True, text=True)
    assert "memory-backend-memfd,id=mem,size=1G,share=on" in words.stdout
    device = json.loads(words.stdout.splitlines()[-1])
    assert device["socket"]["path"] == str(daemon.socket("0000:07:10.0"))
    assert Path(device["socket"]["path"]).is_socket()


def test_numvfs_while_running(crew):
    daemon = crew.daemon("cards: [{ address: '0000:07' }]\n")
    macs = {}
    for count in (8, 16, 63, 0, 1, 8):
        assert daemon.cli("pf", "set", "0000:07:00.0", "numvfs", count) == (0, "", "")
        assert len(list(daemon.run_dir.glob("0000:*.sock"))) == count
        pf = daemon.function("0000:07:00.0")
        assert pf["numvfs"] == len(pf["vfs"]) == count
        for vf in pf["vfs"]:
            assert macs.setdefault(vf["address"], vf["mac"]) == vf["mac"]
    with Vf(daemon.socket("0000:07:10.0")) as vf:
        rc, _, err = daemon.cli("pf", "set", "0000:07:00.0", "numvfs", "4")
        assert rc == 1 and "attached" in err
        assert vf.reg(0x8) != 0xffffffff
    assert daemon.function("0000:07:00.0")["numvfs"] == 8


def test_sriov_is_switched_off(crew):
    daemon = crew.daemon("cards: [{ address: '0000:07', ports: [{ pfs: [{ sriov: off }] }] }]\n")
    rc, out, err = daemon.cli("pf", "set", "0000:07:00.0", "numvfs", 1)
    assert rc == 2 and out == "" and "this PF can have 0" in err
    assert daemon.function("0000:07:00.0")["numvfs"] == 0
    assert not list(daemon.run_dir.glob("0000:*.sock"))
    assert daemon.cli("pf", "set", "0000:07:00.0", "numvfs", 0) == (0, "", "")


def test_stop(crew):
    daemon = crew.daemon("cards: [{ address: '0000:07' }]\n")
    with Vf(daemon.socket("0000:07:10.0")) as vf:
        rc, _, err = daemon.cli("stop")
        assert rc == 1 and "1 VF" in err and "--force" in err
        daemon.process.terminate()
        wait_until(lambda: "refused" in daemon.logs(), 30, "refusal of SIGTERM")
        assert daemon.alive() and vf.reg(0x8) != 0xffffffff
        assert daemon.cli("stop", "--force")[0] == 0
        assert daemon.process.wait(30) == 0
    again = crew.daemon("cards: [{ address: '0000:07' }]\n")
    assert again.cli("stop")[0] == 0
    assert again.process.wait(30) == 0


@pytest.fixture
def vm_card(crew):
    """A card that waits for a VM."""
    daemon = crew.daemon("cards: [{ address: '0000:07', mode: vm, socket: { mode: '0620' } }]\n")
    daemon.card_socket()
    return daemon


def test_card_in_vm_mode(vm_card):
    path = vm_card.card_socket()
    card = vm_card.show()["cards"][0]
    assert (card["mode"], card["device"]) == ("vm", "10f8")
    assert card["socket"] == str(path) and stat.S_IMODE(os.stat(path).st_mode) == 0o620
    assert card["attached"] is None and card["attaches"] == 0
    pf = vm_card.function("0000:07:00.0")
    assert pf["numvfs"] == 0 and pf["vfs"] == [] and pf["netdev"] is None
    assert f"mode vm  device 10f8  socket {path}  waits for a VM\n" in vm_card.cli("show")[1]
    rc, out, err = vm_card.cli("card", "qemu-args", "0000:07")
    words = subprocess.run(["sh", "-c", f"printf '%s\n' {out}"], capture_output=True, text=True)
    assert json.loads(words.stdout.splitlines()[-1])["socket"]["path"] == str(path)
    assert rc == 0 and out.count("\n") == 1 and "vmd" in err

    rc, out, err = vm_card.cli("pf", "set", "0000:07:00.0", "numvfs", "4")
    assert (rc, out) == (1, "") and "ip link" in err and "0000:07" in err
    assert vm_card.stop() == 0
    nothing_left(vm_card.run_dir)


def test_card_in_use(vm_card):
    with Client(vm_card.card_socket()):
        card = vm_card.show()["cards"][0]
        assert card["attached"] == os.getpid() and card["attaches"] == 1
        assert f"driven by process {os.getpid()}\n" in vm_card.cli("show")[1]
        me = f"process {os.getpid()}"
        for words, names in ((["card", "plug", "0000:07"], me), (["card", "unplug", "0000:07"], me),
                             (["pf", "set", "0000:07:00.0", "numvfs", "4"], me),
                             (["stop"], "1 VFs or cards")):
            rc, out, err = vm_card.cli(*words)
            assert (rc, out) == (1, "") and names in err
        with pytest.raises((Refused, ConnectionError)):
            Client(vm_card.card_socket())
    wait_until(lambda: vm_card.show()["cards"][0]["attached"] is None, 30, "detachment")
    assert vm_card.cli("card", "unplug", "0000:07") == (0, "", "")


def test_card_changes_hands(crew):
    """To a VM and back, while another card's VFs are at work."""
    daemon = crew.daemon("cards: [{ address: '0000:07' }, { address: '0000:17' }]\n")
    sockets = [daemon.socket(function) for function in ("0000:07:10.0", "0000:17:10.0")]
    before = policy(daemon)
    with Vf(sockets[1]) as other:
        with Vf(sockets[0]):
            rc, _, err = daemon.cli("card", "plug", "0000:07")
            assert rc == 1 and "1 of its VFs" in err
        wait_until(lambda: daemon.function("0000:07:10.0")["attached"] is None, 30, "detachment")
        for _ in range(3):
            assert daemon.cli("card", "plug", "0000:07") == (0, "", "")
            assert daemon.card_socket().exists() and not sockets[0].exists()
            assert [card["mode"] for card in daemon.show()["cards"]] == ["vm", "host"]
            assert daemon.cli("card", "plug", "0000:07")[0] == 0, "it is so already"
            assert daemon.cli("card", "unplug", "0000:07") == (0, "", "")
            assert not (daemon.run_dir / "card-0000:07.sock").exists()
            assert policy(daemon) == before
            with Vf(sockets[0]) as vf:
                assert vf.mac == daemon.function("0000:07:10.0")["mac"]
            wait_until(lambda: daemon.function("0000:07:10.0")["attached"] is None, 5,
                       "detachment")
        assert other.reg(0x8) != 0xffffffff
    status, answer = curl(daemon, "/v1/card/0000:17", "-X", "PATCH", "-d", '{"mode": "host"}')
    assert (status, answer) == (200, {"ok": True})


def test_card_that_cannot_be_plugged(crew):
    """Something is in the way of its socket: it stays in host mode, and works."""
    daemon = crew.daemon("cards: [{ address: '0000:07' }]\n")
    daemon.socket("0000:07:10.0")
    (daemon.run_dir / "card-0000:07.sock").mkdir()
    rc, out, err = daemon.cli("card", "plug", "0000:07")
    assert (rc, out) == (1, "") and "card-0000:07.sock" in err
    assert daemon.show()["cards"][0]["mode"] == "host"
    with Vf(daemon.socket("0000:07:10.0")):
        pass
    (daemon.run_dir / "card-0000:07.sock").rmdir()
    wait_until(lambda: daemon.function("0000:07:10.0")["attached"] is None, 30, "detachment")
    assert daemon.cli("card", "plug", "0000:07") == (0, "", "")
