# SPDX-License-Identifier: BSD-3-Clause
"""
softiov-pktgen against softiovd, without a guest: what it counts, what it checks, how it ends; and
that no interrupt is lost (lostirq).
"""

import json
import os
import signal
import socket
import subprocess
import threading
from types import SimpleNamespace

import pytest

from lab import program, wait_until
from vfio_user import Vf

CONFIG = """\
idle: { busy-us: 500 }
cards: [{ address: "0000:07", ports: [{ pfs: [{ vfs: 8, netdev: none }] }] }]
"""
A, B = "0000:07:10.0", "0000:07:10.2"
COUNTERS = ("tx_packets", "tx_bytes", "rx_packets", "rx_bytes")
LIMIT = 60      # seconds until a run counts as hanging
# Rings and rates that a busy machine's pauses do not overrun.
GENTLE = ["--ring", "4096", "--rate", "20kpps", "--count", "2000", "--verify"]


@pytest.fixture(scope="module")
def daemon(module_crew):
    daemon = module_crew.daemon(CONFIG)
    for function in (A, B):
        daemon.socket(function)
    return daemon


def command(daemon, *args):
    """Ordinary pages: without them there would be a note on stderr."""
    return [program("softiov-pktgen"), "--run-dir", daemon.run_dir, "--pages", "small",
            *map(str, args)]


def pktgen(daemon, *args):
    """Run it to its end; returns (exit status, stdout, stderr)."""
    done = subprocess.run(command(daemon, *args), stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=LIMIT)
    return SimpleNamespace(rc=done.returncode, out=done.stdout, err=done.stderr)


def report(daemon, *args):
    """What a run that must succeed says in JSON."""
    done = pktgen(daemon, "--json", *args)
    assert (done.rc, done.err) == (0, ""), done
    assert done.out.count("\n") == 1
    return json.loads(done.out)


class Running:
    """A run under way."""

    def __init__(self, daemon, *args):
        self.process = subprocess.Popen(command(daemon, *args), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def end(self):
        out, err = self.process.communicate(timeout=LIMIT)
        return SimpleNamespace(rc=self.process.returncode, out=out, err=err)


def one_line(done, status, *words):
    assert (done.rc, done.out) == (status, ""), done
    assert done.err.count("\n") == 1 and done.err.startswith("softiov-pktgen: "), done.err
    for word in words:
        assert word in done.err, (word, done.err)


def receives(daemon, function):
    """Does its first queue run? receive_enabled is the PF driver's leave, and comes earlier."""
    return any(queue["rx_enabled"] for queue in daemon.function(function)["queues"])


def wait_busy(daemon, args):
    """Until a run has sent something, or, if it only receives, is there."""
    if args[0] == "rx":
        wait_until(lambda: receives(daemon, A), 20, "the sink")
    else:
        sent = daemon.function(A)["stats"]["tx_packets"]
        wait_until(lambda: daemon.function(A)["stats"]["tx_packets"] > sent, 20, "traffic")


def counters(daemon):
    functions = daemon.functions()
    return {vf: functions[vf]["stats"] for vf in (A, B)}


# --- what it counts ---------------------------------------------------------------------------


@pytest.mark.parametrize("args", [
    [A, B, "--count", 50000],
    [A, B, "--count", 5000, "--size", 1500, "--rate", "100kpps"],
    [A, B, "--count", 20000, "--imix", "--flows", 50, "--vlans", "10-13"],
    ["tx", A, B, "--count", 2000, "--size", 9000, "--burst", 7],
    ["loop", A, B, "--count", 200000],
    ["loop", A, B, "--count", 50000, "--imix", "--in-flight", 48, "--ring", 128],
    ["latency", A, B, "--count", 1000],
    [A, B, "--count", 20000, "--mode", "interrupt"],
], ids=["64", "1500", "imix", "9000", "loop", "loop-imix", "latency", "interrupt"])
def test_counts_agree_with_the_card(daemon, args):
    before = counters(daemon)
    said = report(daemon, *args)
    after = counters(daemon)
    for vf, port in zip((A, B), said["ports"]):
        for name in COUNTERS:
            assert port[name] == after[vf][name] - before[vf][name], (vf, name)
    for name in COUNTERS:
        assert said[name] == sum(port[name] for port in said["ports"])
    lost = said["tx_packets"] - said["rx_packets"]
    dropped = sum(sum(after[vf]["drops"].values()) - sum(before[vf]["drops"].values())
                  for vf in (A, B))
    assert lost == dropped


def test_count_is_exact_and_rate_is_kept(daemon):
    said = report(daemon, "tx", A, B, "--count", 1234, "--rate", 5000)
    assert said["ports"][0]["tx_packets"] == 1234
    assert said["ports"][1]["rx_packets"] == 1234
    assert 0 < said["tx_mpps"] <= 0.0055


def test_two_processes(daemon):
    with Running(daemon, "--json", "rx", A, "--verify", "--ring", 4096) as sink:
        wait_until(lambda: receives(daemon, A), 20, "the sink")
        mac = daemon.function(A)["mac"]
        sent = report(daemon, "--dst", mac, B, "--count", 3000, "--rate", "20kpps", "--verify")
        wait_until(lambda: daemon.function(A)["queues"][0]["rx_packets"] >= 3000, 20, "frames")
        sink.process.send_signal(signal.SIGINT)
        done = sink.end()
    assert (done.rc, done.err) == (0, "")
    said = json.loads(done.out)
    assert sent["tx_packets"] == said["rx_packets"] == said["verify"]["checked"] == 3000


# --- what it checks ---------------------------------------------------------------------------


def verified(daemon, *args):
    said = report(daemon, A, B, *GENTLE, *args)
    assert said["verify"]["checked"] == said["rx_packets"] > 0
    assert not any(said["verify"][name] for name in ("lost", "duplicated", "reordered", "corrupt"))
    return said


@pytest.mark.parametrize("checksum", [[], ["--checksum"]], ids=["sums", "offload"])
@pytest.mark.parametrize("proto", ["ether", "udp4", "udp6", "tcp4", "tcp6"])
def test_verify_protocols(daemon, proto, checksum):
    if proto == "ether" and checksum:
        one_line(pktgen(daemon, A, B, "--proto", proto, *checksum), 2, "--proto ether")
    else:
        assert verified(daemon, "--proto", proto, "--size", 101, *checksum)["rx_packets"] == 4000


@pytest.mark.parametrize("args", [
    ["--imix"],
    ["--sizes", "84,1514,590", "--vlans", "100-131", "--flows", 1000, "--checksum", "--proto",
     "tcp6"],
    ["--sizes", "60,9724,61,1024", "--vlan", 7],
    ["--size", 9000, "--buffer", 1024],
    ["--mode", "interrupt", "--imix"],
    ["--mode", "interrupt", "--budget", 1, "--imix", "--vlan", 4094],
    ["--mode", "interrupt", "--budget", 64],
], ids=["imix", "vlans", "sizes", "pieces", "interrupt", "budget-1", "budget-64"])
def test_verify(daemon, args):
    assert verified(daemon, *args)["rx_packets"] == 4000


@pytest.mark.parametrize("args", [
    ["--tso", 60000, "--mss", 1000],
    ["--tso", 65536, "--flows", 5, "--vlan", 9],
    ["--tso", 3000, "--proto", "tcp6"],
    ["--tso", 30000, "--mode", "interrupt"],
], ids=["60000", "flows", "tcp6", "interrupt"])
def test_verify_segmentation(daemon, args):
    requests = 300
    said = report(daemon, "tx", A, B, "--ring", 4096, "--rate", 500, "--count", requests,
                  "--verify", *args)
    length, mss = args[1], args[3] if "--mss" in args else 1440 if "tcp6" in args else 1460
    assert said["tx_packets"] == requests
    assert said["rx_packets"] == said["verify"]["checked"] == requests * -(-length // mss)


def test_verify_sees_what_is_lost(daemon):
    """A sink stands still until its ring has overflown."""
    def drops():
        return daemon.function(A)["stats"]["drops"]["rx_no_descriptor"]

    def received():
        return daemon.function(A)["stats"]["rx_packets"]
    before, got = drops(), received()
    with Running(daemon, "--json", "rx", A, "--verify", "--ring", 64) as sink:
        wait_until(lambda: receives(daemon, A), 20, "the sink")
        mac = daemon.function(A)["mac"]
        with Running(daemon, "--json", "tx", B, "--dst", mac, "--verify", "--rate", 1000) as source:
            wait_until(lambda: received() > got, 20, "frames")
            sink.process.send_signal(signal.SIGSTOP)
            wait_until(lambda: drops() > before, 20, "drops")
            sink.process.send_signal(signal.SIGCONT)
            got = received()
            wait_until(lambda: received() > got + 100, 20, "frames behind the gap")
            source.process.send_signal(signal.SIGTERM)
            assert source.end().rc == 0
        sink.process.send_signal(signal.SIGTERM)
        done = sink.end()
    said = json.loads(done.out)
    lost = drops() - before
    assert said["verify"]["lost"] == lost > 0
    assert done.rc == 1 and f"{lost} lost" in done.err


# --- modes ------------------------------------------------------------------------------------


def test_loop_circulates(daemon):
    said = report(daemon, "loop", A, B, "--duration", 1, "--warmup", 0.2)
    assert said["mode"] == "loop" and said["sizes"] == [64]
    assert said["rx_packets"] == said["tx_packets"] > 10000
    assert said["rx_gbps"] == pytest.approx(said["rx_mpps"] * 64 * 8 / 1000, rel=1e-3)
    for port in said["ports"]:
        assert port["rx_packets"] > 1000


@pytest.mark.parametrize("load", [[], ["--rate", "5kpps"]], ids=["idle", "load"])
def test_latency(daemon, load):
    said = report(daemon, "latency", A, B, "--count", 2000, *load)
    latency = said["latency"]
    assert latency["samples"] == 4000 and latency["lost"] == 0
    order = [latency[f"{name}_us"] for name in ("min", "p50", "p90", "p99", "p999", "max")]
    assert order == sorted(order) and order[0] > 0
    assert order[0] <= latency["mean_us"] <= order[-1]
    for port in said["ports"]:
        assert port["latency"]["samples"] == 2000


@pytest.mark.parametrize("budget", [1, 64])
def test_napi_counts(daemon, budget):
    said = report(daemon, "tx", A, B, "--mode", "interrupt", "--budget", budget, "--count", 5000,
                  "--rate", "5kpps", "--ring", 4096)
    napi = said["ports"][1]["napi"]
    assert "napi" not in said["ports"][0]
    assert napi["frames"] == 5000
    assert 0 < napi["interrupts"] and 0 < napi["rearms"]
    assert napi["polls"] * budget >= 5000
    assert napi["polls"] >= napi["interrupts"]
    if budget == 1:
        assert napi["budget_spent"] == 5000


def test_text(daemon):
    done = pktgen(daemon, A, B, "--count", 1000, "--verify", "--rate", "10kpps", "--mode",
                  "interrupt")
    assert (done.rc, done.err) == (0, "")
    for word in (A, B, "sent", "received", "lost 0", "NAPI", "re-arms", "spurious", "both"):
        assert word in done.out


def test_huge_pages_are_missed(daemon):
    """Without --pages it uses huge pages if there are any, and says so if there are none."""
    done = subprocess.run([program("softiov-pktgen"), "--run-dir", daemon.run_dir, "--json", A, B,
                           "--count", "10"], capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0
    assert ("huge pages" in done.stderr) != json.loads(done.stdout)["huge_pages"]


# --- how it ends ------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("args", [[A, B], ["loop", A, B], ["latency", A, B], ["rx", A],
                                  [A, B, "--mode", "interrupt"],
                                  ["tx", A, B, "--rate", 100, "--mode", "interrupt"]],
                         ids=["both", "loop", "latency", "rx", "interrupt", "slow"])
def test_signal_ends_with_summary(daemon, args, number):
    with Running(daemon, "--json", *args) as run:
        wait_busy(daemon, args)
        run.process.send_signal(number)
        done = run.end()
    assert (done.rc, done.err) == (0, ""), done
    assert json.loads(done.out)["mode"] in ("both", "loop", "latency", "rx", "tx")


@pytest.mark.parametrize("args", [[A, B], ["loop", A, B], ["latency", A, B], ["rx", A],
                                  ["tx", A, "--dst", "52:54:00:00:00:99"],
                                  [A, B, "--mode", "interrupt"],
                                  ["tx", A, B, "--rate", 100, "--mode", "interrupt"]],
                         ids=["both", "loop", "latency", "rx", "tx", "interrupt", "slow"])
def test_daemon_killed_in_mid_traffic(crew, args):
    daemon = crew.daemon(CONFIG)
    daemon.socket(B)
    with Running(daemon, *args) as run:
        wait_busy(daemon, args)
        daemon.process.kill()
        daemon.process.wait()
        one_line(run.end(), 1, "gone")


WRONG_WORDS = [
    ([], ["ADDRESS"]),
    ([A, B, A], ["two"]),
    (["rx", A, B], ["rx takes one"]),
    (["loop", A], ["loop takes two"]),
    (["latency", A], ["latency takes two"]),
    (["tx", A], ["--dst"]),
    ([A, B, "--dst", "52:54:00:00:00:01"], ["--dst"]),
    ([A, "--dst", "52:54:00:00:00"], ["--dst", "52:54:00:00:00"]),
    ([A, B, "--colour"], ["--colour"]),
    ([A, B, "--size"], ["--size", "value"]),
    ([A, B, "--size", "59"], ["59", "60"]),
    ([A, B, "--size", "9725"], ["9725", "9724"]),
    ([A, B, "--size", "64x"], ["64x"]),
    ([A, B, "--sizes", "64,,64"], ["64,,64"]),
    ([A, B, "--proto", "sctp"], ["sctp", "udp4"]),
    ([A, B, "--proto", "udp6", "--size", "60"], ["udp6", "62"]),
    ([A, B, "--proto", "tcp6", "--verify", "--size", "83"], ["tcp6", "84"]),
    ([A, B, "--vlan", "0"], ["'0'", "4094"]),
    ([A, B, "--vlans", "20-10"], ["20-10"]),
    ([A, B, "--rate", "fast"], ["fast", "Mbit"]),
    ([A, B, "--rate", "-1"], ["-1"]),
    ([A, B, "--duration", "inf"], ["inf"]),
    ([A, B, "--burst", "0"], ["'0'", "256"]),
    ([A, B, "--ring", "36"], ["36", "8"]),
    ([A, B, "--ring", "8192"], ["8192", "4096"]),
    ([A, B, "--buffer", "3000"], ["3000", "power"]),
    ([A, B, "--tso", "9000", "--proto", "udp4"], ["--tso", "tcp4"]),
    ([A, B, "--mss", "1000", "--proto", "tcp4"], ["--mss", "--tso"]),
    ([A, B, "--tso", "200000"], ["--buffer"]),
    ([A, B, "--budget", "64"], ["--budget", "interrupt"]),
    ([A, B, "--mode", "sleep"], ["sleep", "interrupt"]),
    ([A, B, "--mode", "interrupt", "--size", "4000", "--buffer", "2048"], ["4000", "2048"]),
    (["loop", A, B, "--verify"], ["loop", "--verify"]),
    (["loop", A, B, "--in-flight", "400"], ["400", "--ring"]),
    ([A, B, "--in-flight", "400"], ["--in-flight"]),
]


@pytest.mark.parametrize("args, words", WRONG_WORDS,
                         ids=[" ".join(words).replace(" ", "_") or "none"
                              for words, _ in WRONG_WORDS])
def test_wrong_words(daemon, args, words):
    one_line(pktgen(daemon, *args), 2, *words)


def test_cpu_that_is_not_there(daemon):
    one_line(pktgen(daemon, A, B, "--cpu", 1023, "--count", 1), 1, "--cpu")


@pytest.fixture
def listener(tmp_path):
    """A socket whose other end does what it is told with each connection."""
    sockets = []

    def listen(serve):
        sock = socket.socket(socket.AF_UNIX)
        sockets.append(sock)
        path = tmp_path / "other.sock"
        sock.bind(str(path))
        sock.listen()

        def accept():
            connection, _ = sock.accept()
            sockets.append(connection)
            serve(connection)
        threading.Thread(target=accept, daemon=True).start()
        return path
    yield listen
    for sock in sockets:
        sock.close()


@pytest.mark.parametrize("serve", [
    lambda connection: connection.close(),
    lambda connection: connection.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n"),
    lambda connection: None,
], ids=["closes", "talks", "silent"])
def test_socket_that_is_not_softiov(daemon, listener, serve):
    path = listener(serve)
    one_line(pktgen(daemon, "rx", f"unix:{path}"), 1, str(path), "vfio-user")


def test_what_is_no_vf(daemon, tmp_path):
    text = tmp_path / "file"
    text.write_text("")
    for address, words in ((f"unix:{tmp_path}/none", ["none"]),
                           (f"unix:{text}", [str(text)]),
                           (f"unix:{daemon.api}", ["vfio-user"]),
                           ("0000:99:10.0", ["0000:99:10.0"]),
                           ("vfio:0000:ff:1f.7", ["0000:ff:1f.7"]),
                           ("vfio:somewhere", ["somewhere"]),
                           ("unix:", ["unix:"])):
        one_line(pktgen(daemon, "rx", address), 1, *words)


def test_vf_that_another_has(daemon):
    with Vf(daemon.socket(A)):
        one_line(pktgen(daemon, A, B, "--count", 1), 1, A)
    report(daemon, A, B, "--count", 1)


def test_link_that_is_down(daemon):
    daemon.vf_set(B, "state", "disable")
    try:
        one_line(pktgen(daemon, A, B, "--count", 1), 1, B, "link")
    finally:
        daemon.vf_set(B, "state", "auto")


# --- interrupts -------------------------------------------------------------------------------


@pytest.mark.parametrize("packets, args", [(1000000, []), (100000, ["-m"])],
                         ids=["million", "unmoderated"])
def test_no_interrupt_is_lost(daemon, packets, args):
    seed = int.from_bytes(os.urandom(4), "little") + 1
    print(f"seed {seed}")
    done = subprocess.run([program("lostirq"), "-n", str(packets), "-s", str(seed), *args,
                           *(f"unix:{daemon.socket(vf)}" for vf in (A, B))],
                          capture_output=True, text=True, timeout=1200)
    print(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    said = json.loads(done.stdout)
    assert said["packets"] == packets
    # It slept, was woken up, and packets came while it was about to sleep.
    assert said["sleeps"] > packets / 100 and said["interrupts"] > packets / 100
    assert said["rearm_races"] > packets / 1000
