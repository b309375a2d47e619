# SPDX-License-Identifier: BSD-3-Clause
"""The Debian packages in a clean Debian root: run, upgraded, removed, purged, beside a real xe."""
import json
import re
import subprocess

PROGRAMS = ["softiov", "softiovd", "softiov-pktgen"]
PAGES = ["softiov.1", "softiov-check.1", "softiov-guest-check.1", "softiov-lspci.1",
         "softiov-netdev.1", "softiov-pktgen.1", "softiov-vm.1", "softiov-xe.1",
         "softiovd.yaml.5", "softiovd.8"]
CONFIG = "/etc/softiov/softiovd.yaml"
INVENTORY = "/var/lib/softiov/inventory.db"
NEWER = "/newer/softiov_99.0_*.deb /newer/libsoftiov0_99.0_*.deb /newer/libsoftiov-dev_99.0_*.deb"

# A daemon without systemd, ready when the script goes on, ended in order by stop.
START = """
softiovd > /var/log/softiovd.log 2>&1 &
daemon=$!
for i in $(seq 200); do
    ! grep -q ^ready /var/log/softiovd.log || break
    kill -0 $daemon || { cat /var/log/softiovd.log; exit 1; }
    sleep 0.1
done
grep -q 'ready' /var/log/softiovd.log
stop() { softiov stop; wait $daemon; }
"""


def names(root):
    """The VMs in the inventory."""
    return set(filter(None, root.run(START + """
        softiov xe vm-list params=name-label --minimal
        stop > /dev/null""").strip().split(",")))


def fake_xe(folder):
    """A script that makes package real-xe with an xe in @folder: another product's."""
    return f"""
        mkdir -p /tmp/real/DEBIAN /tmp/real{folder}
        printf '#!/bin/sh\\necho the real xe\\n' > /tmp/real{folder}/xe
        chmod 755 /tmp/real{folder}/xe
        printf '%s\\n' 'Package: real-xe' 'Version: 1' 'Architecture: all' \
            'Maintainer: somebody <somebody@example.org>' 'Description: another product' \
            > /tmp/real/DEBIAN/control
        dpkg-deb -b /tmp/real /tmp/real-xe.deb
        """


def test_files(installed):
    """Everything is where Debian and systemd look for it, and no library is missing."""
    listed = installed.run("dpkg -L softiov libsoftiov0 libsoftiov-dev").split()
    for page in PAGES:
        section = page.rsplit(".", 1)[1]
        assert f"/usr/share/man/man{section}/{page}.gz" in listed
    assert "/usr/share/man/man3/libsoftiov.3.gz" in listed
    assert "/usr/share/bash-completion/completions/softiov" in listed
    assert "/usr/share/zsh/vendor-completions/_softiov" in listed
    assert any(re.fullmatch("(/usr)?/lib/systemd/system/softiovd.service", n) for n in listed)
    assert installed.path("/usr/share/softiov/softiov-guest-check").exists()
    libraries = installed.run("for p in softiov softiovd softiov-pktgen; do "
                              "$p --version; ldd $(command -v $p); done")
    assert "not found" not in libraries
    for program in PROGRAMS:
        assert re.search(rf"^{program} [0-9.]+$", libraries, re.M)
    status = installed.run("dpkg-query -W -f '${Conffiles}' softiov; dpkg --audit")
    assert re.fullmatch(rf"\s*{CONFIG} [0-9a-f]{{32}}\s*", status)


def test_group_and_folders(installed):
    """The group is there, the socket directory is open, nobody is a member yet."""
    assert re.fullmatch(r"softiov:x:\d+:\n", installed.run("getent group softiov"))
    assert installed.run("stat -c '%a %U:%G' /run/softiov") == "755 root:root\n"


def test_configuration(installed):
    """The configuration that comes with the package is right, and lets the group in."""
    assert installed.run(f"softiovd --check-config --config {CONFIG}") == f"{CONFIG}: ok\n"
    assert installed.path(CONFIG).read_text().count("group: softiov\n") == 3


def test_unit(installed):
    """systemd finds nothing to complain of in the unit, and it is enabled."""
    assert installed.run("systemd-analyze verify --man=no softiovd.service") == ""
    installed.run("systemd-analyze security --offline=yes --threshold=55 softiovd.service")
    assert installed.run("systemctl is-enabled softiovd") == "enabled\n"


def test_daemon(root):
    """It runs in the clean root; members of the group may use its sockets, others may not."""
    root.run("useradd --groups softiov member; useradd stranger")
    out = root.run(START + """
        stat -c '%a %U:%G' /run/softiov/softiov.sock /run/softiov/0000:07:10.0.sock
        setpriv --reuid member --regid member --init-groups softiov show --json > /tmp/show
        if setpriv --reuid stranger --regid stranger --init-groups softiov show; then
            exit 1
        fi
        stop""")
    assert out.startswith("660 root:softiov\n660 root:softiov\n")
    shown = json.loads(root.path("/tmp/show").read_text())
    assert len(shown["cards"][0]["ports"][0]["pfs"][0]["vfs"]) == 8
    assert root.run("stat -c %a /var/lib/softiov") == "700\n"


def test_upgrade(root):
    """A newer version keeps the edited configuration and the inventory, and asks nothing."""
    root.run(START + "softiov xe vm-create name-label=kept; stop")
    root.run(f"echo '# mine' >> {CONFIG}")
    before = root.path(CONFIG).read_bytes()
    inventory = root.path(INVENTORY).read_bytes()
    root.apt(f"install {NEWER}")
    assert root.run("dpkg-query -W -f '${Version}' softiov") == "99.0"
    assert root.path(CONFIG).read_bytes() == before
    assert root.path(INVENTORY).read_bytes() == inventory
    assert names(root) == {"kept"}
    assert root.run("systemctl is-enabled softiovd") == "enabled\n"


def test_upgrade_leaves_the_daemon_alone(root):
    """The maintainer scripts restart nothing: running VMs would lose their network cards."""
    root.run("for p in systemctl deb-systemd-invoke; do rm /usr/bin/$p; "
             "printf '#!/bin/sh\\necho \"$(basename $0) $*\" >> /tmp/asked\\n' "
             "> /usr/bin/$p; chmod +x /usr/bin/$p; done")
    root.run("mkdir -p /run/systemd/system")
    root.apt(f"install {NEWER}")
    asked = root.path("/tmp/asked").read_text()
    assert "daemon-reload" in asked
    assert not re.search(r"\b(stop|restart|try-restart) .*softiovd", asked), asked


def test_remove_and_purge(root):
    """Removing keeps configuration and inventory, purging neither; installed again it works."""
    root.run(START + "softiov xe vm-create name-label=kept; stop")
    root.run(f"echo '# mine' >> {CONFIG}")
    root.apt("remove softiov")
    assert not root.path("/usr/sbin/softiovd").exists()
    assert not root.path("/usr/bin/xe").is_symlink()
    assert root.path(CONFIG).read_text().endswith("# mine\n")
    assert root.path(INVENTORY).exists()

    root.apt("install /debs/*.deb")
    assert names(root) == {"kept"}
    assert root.path(CONFIG).read_text().endswith("# mine\n")

    root.apt("purge softiov libsoftiov0 libsoftiov-dev")
    for gone in [CONFIG, "/etc/softiov", "/var/lib/softiov", "/run/softiov", "/usr/lib/softiov",
                 "/usr/share/softiov", "/usr/share/doc/softiov", "/var/lib/dpkg/info/softiov.list",
                 "/etc/systemd/system/multi-user.target.wants/softiovd.service"]:
        assert not root.path(gone).exists() and not root.path(gone).is_symlink(), gone
    root.apt("install /debs/*.deb")
    assert names(root) == set()


def test_xe_where_there_is_none(installed):
    """xe is softiov's, and says so."""
    assert "QEMU" in installed.run("xe --version")
    assert "QEMU" in installed.run("softiov xe --version")


def test_real_xe_first(root):
    """A real xe that was there before, whichever place it has, stays the one that is run."""
    root.apt("purge softiov")
    for folder in ["/usr/bin", "/opt/xensource/bin", "/usr/local/bin"]:
        root.run(fake_xe(folder) + "dpkg -i /tmp/real-xe.deb")
        root.apt("install /debs/*.deb")
        assert root.run(f"{folder}/xe") == "the real xe\n"
        if folder != "/usr/bin":
            assert not root.path("/usr/bin/xe").is_symlink()
        root.apt("purge softiov")
        assert root.run(f"{folder}/xe; dpkg --verify real-xe") == "the real xe\n"
        root.run("dpkg -P real-xe; rm -r /tmp/real")


def test_real_xe_later(root):
    """Ours gives way to a real one that comes later, and is back when that is gone."""
    for folder in ["/usr/bin", "/opt/xensource/bin", "/usr/local/bin"]:
        assert "QEMU" in root.run("xe --version")
        root.run(fake_xe(folder) + "dpkg -i /tmp/real-xe.deb")
        assert root.run(f"{folder}/xe --version") == "the real xe\n"
        if folder == "/opt/xensource/bin":
            assert not root.path("/usr/bin/xe").is_symlink()
        root.run("rm -r /tmp/real; dpkg -P real-xe; dpkg-reconfigure softiov")


def test_library(installed, space):
    """A program is built with what libsoftiov-dev brings, and runs with libsoftiov0."""
    example = installed.path("/usr/share/doc/libsoftiov-dev/examples/echo.c")
    libraries = next(installed.path("/usr/lib").glob("*/libsoftiov.so")).parent
    program = installed.path("/tmp/echo")
    subprocess.run(["cc", example, "-o", program, "-I", installed.path("/usr/include"),
                    "-L", libraries, "-lsoftiov"], check=True)
    out = installed.run("ldd /tmp/echo; /tmp/echo unix:/nonexistent/vf.sock", fails=True)
    assert re.search(r"libsoftiov.so.0 => /", out)
    assert "there is no such socket" in out
    assert (libraries / "pkgconfig/softiov.pc").exists()
