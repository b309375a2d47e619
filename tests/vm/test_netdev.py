# SPDX-License-Identifier: BSD-3-Clause
"""
`softiov netdev`: a VF as a network interface of a namespace. Whatever passes through it is in
test_traffic.py; here is how it comes, what it follows, how it ends, and how it refuses.
"""

import hashlib
import os
import random
import re
import signal
import socket
import subprocess
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from lab import Netdev, iperf3, program, traffic, wait_until

FUNCTIONS = ("0000:07:10.0", "0000:07:10.2")
SPARE = "0000:07:10.4"
CONFIG = "cards: [{ address: '0000:07' }]\n"
WORKS_MBITS = 20
# What turns a command into one of an ordinary user.
NOBODY = "setpriv --reuid=65534 --regid=65534 --clear-groups " if os.geteuid() == 0 else ""


@pytest.fixture(scope="module")
def daemon(module_crew):
    return module_crew.daemon(CONFIG)


def make_site(crew, daemon, **words):
    """Namespaces a and b with a netdev each: site.a, site.b, site.netdevs."""
    site = SimpleNamespace(daemon=daemon, a=crew.namespace("a"), b=crew.namespace("b"), netdevs=[])
    for number, (net, function) in enumerate(zip((site.a, site.b), FUNCTIONS), 1):
        site.netdevs.append(crew.netdev(daemon, function, net, **words))
        net.function, net.address = function, f"10.0.0.{number}"
        net.up("eth0", f"{net.address}/24")
    return site


@pytest.fixture
def site(crew, daemon):
    yield make_site(crew, daemon)


@pytest.fixture(scope="module")
def lasting(module_crew):
    """A site of its own for tests that leave it as they found it."""
    return make_site(module_crew, module_crew.daemon(CONFIG))


def is_free(daemon, function):
    return wait_until(lambda: daemon.function(function)["attached"] is None, 5,
                      f"{function} given back")


def links(net):
    return re.findall(r"^\d+: ([^:@]+)", net.sh("ip -o link"), re.M)


def softiov(daemon, *args, prefix=(), timeout=20):
    """Run softiov netdev until it ends by itself."""
    return subprocess.run([*prefix, program("softiov"), "--socket", daemon.api, "netdev", *args],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout)


def refused(done, status, *words):
    """It ended with this status and one line that has these words."""
    lines = [line for line in done.stderr.splitlines() if "huge pages" not in line]
    assert done.returncode == status and done.stdout == "", done
    assert len(lines) == 1 and lines[0].startswith("softiov: "), done
    for word in words:
        assert word in lines[0], done


# How it carries


@pytest.mark.parametrize("tx, tso", [("on", "on"), ("on", "off"), ("off", "off")])
def test_tcp_with_offloads_and_without(lasting, tx, tso):
    def stats():
        return lasting.daemon.function(lasting.a.function)["stats"]

    for net in (lasting.a, lasting.b):
        net.sh(f"ethtool -K eth0 tx {tx} tso {tso}")
    before = stats()
    assert iperf3(lasting.b, lasting.a, lasting.b.address, 2)["mbits"] > WORKS_MBITS
    rc, report = traffic(lasting.a, lasting.b, f"hash-send tcp {lasting.b.address} 7000 8000000",
                         "hash-recv tcp 7000")
    assert rc == 0 and report["complete"]
    after = stats()
    assert (after["tx_tso_requests"] > before["tx_tso_requests"] + 50) == (tso == "on")
    assert (after["tx_csum"] > before["tx_csum"] + 100) == (tx == "on")


def test_http(lasting, tmp_path):
    page = random.randbytes(5_000_000)
    (tmp_path / "page").write_bytes(page)
    server = lasting.b.start_bg(f"exec python3 -u -m http.server -d {tmp_path} -b "
                                f"{lasting.b.address} 8000")
    try:
        server.wait_for("Serving HTTP")
        got = lasting.a.sh(f"curl -sS http://{lasting.b.address}:8000/page | sha256sum")
        assert got.split()[0] == hashlib.sha256(page).hexdigest()
    finally:
        server.stop(signal.SIGKILL)


@pytest.mark.parametrize("mode, budget", [("interrupt", 64), ("interrupt", 1), ("poll", 64)])
def test_modes_are_what_they_say(crew, daemon, mode, budget):
    site = make_site(crew, daemon, mode=mode, budget=budget)
    iperf3(site.b, site.a, site.b.address, 1)
    seen = site.netdevs[1].counters()
    assert seen["received"] > 1000 and seen["sent"] > 100
    if mode == "poll":
        assert seen["interrupts"] == seen["polls"] == 0
    else:
        assert 0 < seen["interrupts"] <= seen["polls"]
        assert seen["budget spent"] > 0 and seen["received"] <= seen["polls"] * budget
    assert (seen["joined"] > 100) == (budget > 1), "one frame alone has nothing to join"


# What it follows


def test_the_interface_is_the_vf(lasting):
    for net in (lasting.a, lasting.b):
        assert net.mac("eth0") == lasting.daemon.function(net.function)["mac"]
        assert "Speed: 10000Mb/s" in net.sh("ethtool eth0")


def test_ipv6_finds_its_neighbour(lasting):
    """Solicited-node groups: no trust is needed to hear them."""
    assert not lasting.daemon.function(lasting.b.function)["trust"]
    for number, net in enumerate((lasting.a, lasting.b), 1):
        net.sh(f"ip addr replace fd00::{number}/64 dev eth0")   # with duplicate detection
    wait_until(lambda: "tentative" not in lasting.b.sh("ip addr show eth0"), 30, "addresses")
    lasting.a.sh("ip -6 neigh flush dev eth0")
    assert lasting.a.ping("fd00::2", 3, args="-6")["received"] == 3
    lasting.b.sh("ip link set eth0 mtu 1280 && ip link set eth0 mtu 1500")
    assert lasting.b.ping("fd00::1", 3, args="-6")["received"] == 3


GROUP_RECEIVER = """
import socket, struct
socks = []
for n in range(%(groups)d):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                    socket.inet_aton("239.1.2.%%d" %% (n + 1)) + socket.inet_aton("%(own)s"))
    socks.append(sock)
socks[0].bind(("239.1.2.1", 9000))
print("joined", flush=True)
print(socks[0].recv(100).decode(), flush=True)
"""


@pytest.mark.parametrize("groups", [1, 20])
def test_multicast_groups(lasting, groups):
    text = GROUP_RECEIVER % {"groups": groups, "own": lasting.b.address}
    receiver = lasting.b.start_bg("exec python3 -", stdin=text.encode()).wait_for("joined")
    sender = lasting.a.start_bg(
        "while :; do echo hello; sleep 0.1; done | exec python3 -c 'import socket, sys\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        f"s.setsockopt(0, socket.IP_MULTICAST_IF, socket.inet_aton(\"{lasting.a.address}\"))\n"
        "for line in sys.stdin: s.sendto(b\"hello\", (\"239.1.2.1\", 9000))'")
    try:
        assert receiver.wait(10).stdout == "joined\nhello\n"
    finally:
        sender.stop(signal.SIGKILL)


def test_more_groups_than_a_vf_can_join(site):
    site.b.sh("for n in $(seq 40); do ip maddr add 33:33:00:00:01:$(printf %02x $n) dev eth0; done")
    wait_until(lambda: "more multicast groups" in site.netdevs[1].command.stderr, 30, "the warning")
    assert site.a.ping(site.b.address, 3)["loss"] == 0


def test_the_address_that_the_user_chooses(site):
    site.a.sh("ip link set eth0 address 52:54:00:00:00:77")
    wait_until(lambda: site.daemon.function(site.a.function)["mac"] == "52:54:00:00:00:77", 5,
               "the VF's address")
    assert site.a.ping(site.b.address, 3)["loss"] == 0


def test_the_address_that_the_administrator_chooses(crew):
    site = make_site(crew, crew.daemon(CONFIG))
    site.daemon.vf_set(site.a.function, "mac", "52:54:00:00:00:78")
    wait_until(lambda: site.a.mac("eth0") == "52:54:00:00:00:78", 30, "the interface's address")
    assert site.a.ping(site.b.address, 3)["loss"] == 0
    site.a.sh("ip link set eth0 address 52:54:00:00:00:79")
    wait_until(lambda: site.a.mac("eth0") == "52:54:00:00:00:78", 30, "the address as it was")
    assert "52:54:00:00:00:79" in site.netdevs[0].command.stderr
    assert site.a.ping(site.b.address, 3)["loss"] == 0


def test_the_carrier(site):
    site.daemon.vf_set(site.b.function, "state", "disable")
    wait_until(lambda: not site.b.carrier("eth0"), 30, "carrier off")
    site.daemon.vf_set(site.b.function, "state", "auto")
    wait_until(lambda: site.b.carrier("eth0"), 30, "carrier on")
    assert wait_until(lambda: site.a.ping(site.b.address, 2)["loss"] == 0, 30, "ping")


def test_a_port_vlan(site):
    try:
        for net in (site.a, site.b):
            site.daemon.vf_set(net.function, "vlan", "100")
        wait_until(lambda: site.a.ping(site.b.address, 2)["loss"] == 0, 30, "ping in VLAN 100")
    finally:
        for net in (site.a, site.b):
            site.daemon.vf_set(net.function, "vlan", "0")


def test_mtu(lasting):
    try:
        for net in (lasting.a, lasting.b):
            net.up("eth0", mtu=9711)
            wait_until(lambda: "mtu 9710" in net.sh("ip link show eth0"), 30, "the longest MTU")
        assert "9711" in lasting.netdevs[0].command.stderr
        assert lasting.a.ping(lasting.b.address, 3, size=9682, args="-M do")["loss"] == 0
    finally:
        for net in (lasting.a, lasting.b):
            net.up("eth0", mtu=1500)


def test_promiscuous_mode_is_refused_once(site):
    for _ in range(2):
        site.a.sh("ip link set eth0 promisc on")
        wait_until(lambda: "promiscuous" in site.netdevs[0].command.stderr, 30, "the word")
        site.a.sh("ip link set eth0 promisc off")
    assert site.a.ping(site.b.address, 3)["loss"] == 0
    assert site.netdevs[0].command.stderr.count("promiscuous") == 1


# Where it is


@pytest.mark.parametrize("which", ["/proc/{}/ns/net", "{}"], ids=["path", "process"])
def test_another_namespace(crew, daemon, which):
    home = crew.namespace("home")
    net = crew.namespace("net", beside=home)
    with Netdev(daemon, SPARE, home, name="vf0", netns=which.format(net.holder.pid)) as netdev:
        assert links(home) == ["lo"]
        assert links(net) == ["lo", "vf0"]
        net.up("vf0", "10.0.0.9/24")
        net.close()
        assert netdev.wait().rc == 0, "the namespace does not live on for our sake"
    is_free(daemon, SPARE)


def test_a_namespace_by_name(crew, daemon):
    """ip netns keeps names in /run/netns: a /run of its own, then."""
    home = crew.namespace("home")
    line = f"{program('softiov')} --socket {daemon.api} netdev {SPARE} --netns blue"
    done = home.run(f"""unshare --mount sh -c '
        mount -t tmpfs none /run && ip netns add blue || exit 9
        {line} >/run/out & netdev=$!
        for i in $(seq 100); do grep -q Mb/s /run/out && break; sleep 0.1; done
        ip -n blue link set eth0 up && ip -n blue -o link show eth0
        ip netns del blue
        wait $netdev && echo clean'""", 30)
    assert done.rc == 0, done
    assert "eth0" in done.stdout and done.stdout.endswith("clean\n")
    is_free(daemon, SPARE)


def test_it_follows_an_interface_that_moves(crew, daemon):
    home = crew.namespace("home")
    net = crew.namespace("net", beside=home)
    with Netdev(daemon, SPARE, home) as netdev:
        net.take("eth0", home)
        net.sh("ip link set eth0 name other")
        net.sh("ip link set other address 52:54:00:00:00:7a")
        wait_until(lambda: daemon.function(SPARE)["mac"] == "52:54:00:00:00:7a", 30, "the address")
        net.close()
        assert netdev.wait().rc == 0


def test_an_ordinary_user(crew, daemon):
    """Own user and network namespace, no root outside: the socket's permissions decide."""
    for path, mode in ((daemon.dir, 0o755), (daemon.run_dir, 0o755),
                       (daemon.socket(FUNCTIONS[0]), 0o666)):
        path.chmod(mode)
    other = crew.namespace("b")
    crew.netdev(daemon, FUNCTIONS[1], other)
    other.up("eth0", "10.0.0.2/24")
    line = f"{program('softiov')} --socket {daemon.api} netdev {FUNCTIONS[0]}"
    done = other.run(f"""{NOBODY}unshare --user --map-root-user --net sh -c '
        out=$(mktemp)
        {line} >$out & netdev=$!
        for i in $(seq 100); do grep -q Mb/s $out && break; sleep 0.1; done
        cat $out && rm $out
        ip addr add 10.0.0.1/24 dev eth0 && ip link set eth0 up
        ping -q -n -c 5 -i 0.2 -W 2 10.0.0.2
        kill $netdev
        wait $netdev && echo clean'""", 30)
    assert f"eth0: {FUNCTIONS[0]}, " in done.stdout, done
    assert "5 packets transmitted, 5 received" in done.stdout, done
    assert done.stdout.endswith("clean\n"), done
    is_free(daemon, FUNCTIONS[0])


# In a guest


@pytest.fixture
def guests(crew, daemon):
    """Guest a with the stock driver; guest b with an IOMMU, where the VF is bound to vfio-pci."""
    a = crew.guest("a", vfs=[daemon.socket(FUNCTIONS[0])], modules="ixgbevf,8021q")
    b = crew.guest("b", vfs=[daemon.socket(FUNCTIONS[1])], iommu=True, mem="384M",
                   modules="vfio_iommu_type1,vfio-pci,tun,8021q", files=[program("netdev")])
    for guest in (a, b):
        guest.wait_ready()
    a.nic, b.nic = a.interface(), "eth0"
    return a, b


def test_vlan_interfaces_on_a_vf_at_vfio_pci(guests, daemon):
    """A netdev in a guest, over Linux VFIO, and the stock driver in another."""
    a, b = guests
    address = b.sh("cd /sys/bus/pci/devices && grep -l 0x10ed */device").split("/")[0]
    b.sh(f"echo vfio-pci >/sys/bus/pci/devices/{address}/driver_override && "
         f"echo {address} >/sys/bus/pci/drivers_probe")
    netdev = b.start_bg(f"exec netdev vfio:{address} {b.nic}").wait_for(f"vfio:{address}, ")
    for number, guest in enumerate(guests, 1):
        guest.up(guest.nic, f"10.0.0.{number}/24")
    assert a.ping("10.0.0.2", 5)["loss"] == 0
    for number, guest in enumerate(guests, 1):
        guest.sh(f"ip link add v42 link {guest.nic} type vlan id 42")
        guest.up("v42", f"10.42.0.{number}/24")
    wait_until(lambda: a.ping("10.42.0.2", 2)["loss"] == 0, 30, "VLAN 42")
    for client, server, target in ((a, b, "10.42.0.2"), (b, a, "10.42.0.1")):
        assert iperf3(server, client, target, 2)["mbits"] > WORKS_MBITS
        rc, report = traffic(client, server, f"hash-send tcp {target} 7000 2000000",
                             "hash-recv tcp 7000")
        assert rc == 0 and report["complete"]
    b.sh("ip link del v42")
    tagged = f"raw-send {a.nic} src={a.mac(a.nic)} vlan=42 count=20"
    heard = f"raw-recv {b.nic} src={a.mac(a.nic)} 1.5"
    wait_until(lambda: traffic(a, b, tagged, heard)[1]["matched"] == 0, 30, "VLAN 42 left")
    assert netdev.stop().rc == 0
    assert daemon.function(FUNCTIONS[1])["dma"]["faults"] == 0


# How it ends


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals(crew, daemon, number):
    net = crew.namespace("net")
    for _ in range(2):
        with Netdev(daemon, SPARE, net) as netdev:
            net.up("eth0")
            assert links(net) == ["lo", "eth0"]
            assert netdev.stop(number).rc == 0
        assert links(net) == ["lo"]
        is_free(daemon, SPARE)


def test_the_interface_is_removed(crew, daemon):
    net = crew.namespace("net")
    with Netdev(daemon, SPARE, net) as netdev:
        net.sh("ip link del eth0")
        assert netdev.wait().rc == 0
    is_free(daemon, SPARE)


@pytest.mark.parametrize("mode", ["interrupt", "poll"])
def test_the_daemon_dies_in_mid_traffic(crew, mode):
    site = make_site(crew, crew.daemon(CONFIG), mode=mode)
    server = site.b.start_bg("exec iperf3 -s -1 --forceflush").wait_for("Server listening")
    client = site.a.start_bg(f"exec iperf3 -c {site.b.address} -t 20 --forceflush")
    client.wait_for("bits/sec", 10)
    site.daemon.kill()
    for netdev, net in zip(site.netdevs, (site.a, site.b)):
        result = netdev.wait(10)
        lines = [line for line in result.stderr.splitlines() if "huge pages" not in line]
        assert result.rc == 1 and len(lines) == 1, result
        assert net.function in lines[0] and "card is gone" in lines[0]
        assert links(net) == ["lo"]
    for command in (client, server):
        command.stop(signal.SIGKILL)


def test_counters_on_request(site):
    site.a.ping(site.b.address, 5)
    for netdev in site.netdevs:
        counters = netdev.counters()
        assert counters["sent"] >= 5 and counters["received"] >= 5


# How it refuses


WRONG_WORDS = [
    ([], ["needs the address of a VF"]),
    (["--name", "eth1"], ["needs the address of a VF"]),
    (["7:10.0"], ["7:10.0", "0000:07:10.0"]),
    (["0000:07:10.0x"], ["0000:07:10.0x"]),
    (["unix:"], ["unix:"]),
    ([SPARE, "--name"], ["--name", "needs a value"]),
    ([SPARE, "--name", "sixteen-letters-"], ["sixteen-letters-", "15"]),
    ([SPARE, "--name", "a/b"], ["a/b"]),
    ([SPARE, "--name", ""], ["''"]),
    ([SPARE, "--name", "eth%d"], ["eth%d"]),
    ([SPARE, "--mode", "lazy"], ["lazy", "interrupt or poll"]),
    ([SPARE, "--budget", "0"], ["'0'", "1 to 256"]),
    ([SPARE, "--budget", "257"], ["257"]),
    ([SPARE, "--budget", "many"], ["many"]),
    ([SPARE, "--queues", "3"], ["'3'", "1 to 2"]),
    ([SPARE, "--colour", "red"], ["--colour"]),
]


@pytest.mark.parametrize("words, says", WRONG_WORDS, ids=[" ".join(w) for w, _ in WRONG_WORDS])
def test_wrong_words(daemon, words, says):
    refused(softiov(daemon, *words), 2, *says)


BAD_INPUT = {
    "no such VF": (["0000:07:1f.6"], ["no VF 0000:07:1f.6"]),
    "no such socket": (["unix:/nowhere/vf.sock"], ["/nowhere/vf.sock"]),
    "not a socket": (["unix:/etc/passwd"], ["/etc/passwd"]),
    "path too long": (["unix:/" + 150 * "x"], [20 * "x"]),
    "no such PCI device": (["vfio:0000:ff:1f.7"], ["0000:ff:1f.7"]),
    "owned": ([FUNCTIONS[0]], [FUNCTIONS[0]]),
    "name taken": ([SPARE, "--name", "lo"], ["lo", "already"]),
    "name taken there": ([SPARE, "--name", "lo", "--netns", "{pid}"], ["lo", "already"]),
    "no such namespace": ([SPARE, "--netns", "blue"], ["blue"]),
    "no such process": ([SPARE, "--netns", "999999999"], ["999999999"]),
    "another namespace": ([SPARE, "--netns", "/proc/self/ns/uts"], ["not a network namespace"]),
    "not a namespace": ([SPARE, "--netns", "/etc/passwd"], ["not a network namespace"]),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input(crew, daemon, case):
    words, says = BAD_INPUT[case]
    net = crew.namespace("net")
    with Netdev(daemon, FUNCTIONS[0], net):
        words = [word.format(pid=net.holder.pid) for word in words]
        refused(softiov(daemon, *words, prefix=net.prefix), 1, *says)
        assert links(net) == ["lo", "eth0"]
    is_free(daemon, SPARE)


def test_no_daemon(tmp_path):
    refused(softiov(SimpleNamespace(api=tmp_path / "softiov.sock"), SPARE), 1, str(tmp_path),
            "softiovd")


def test_no_permission(daemon):
    """An ordinary user without a namespace of his own."""
    for path, mode in ((daemon.dir, 0o755), (daemon.run_dir, 0o755), (daemon.socket(SPARE), 0o666)):
        path.chmod(mode)
    for words in ([], ["--netns", "/proc/self/ns/net"]):
        refused(softiov(daemon, SPARE, "--name", "softiov-test", *words, prefix=NOBODY.split()), 1,
                "no permission", "unshare -Urn")
    is_free(daemon, SPARE)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.0 400 Bad Request\r\n\r\n", None],
                         ids=["closes", "another protocol", "silence"])
def test_a_socket_that_is_not_softiov(crew, daemon, tmp_path, answer):
    path, silent = tmp_path / "sock", []

    def serve():
        client, _ = server.accept()
        if answer is None:
            silent.append(client)   # kept open
            return
        client.recv(1000)
        client.sendall(answer)
        client.close()

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        refused(softiov(daemon, f"unix:{path}", prefix=crew.namespace("net").prefix), 1, str(path))
        thread.join()
    for client in silent:
        client.close()


def test_without_huge_pages(lasting):
    total = int(re.search(r"HugePages_Total:\s+(\d+)", Path("/proc/meminfo").read_text())[1])
    assert lasting.a.ping(lasting.b.address, 3)["loss"] == 0
    for netdev in lasting.netdevs:
        assert total or "no huge pages" in netdev.command.stderr
