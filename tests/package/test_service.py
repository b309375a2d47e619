# SPDX-License-Identifier: BSD-3-Clause
"""The installed package under systemd: the unit's limits leave the daemon what it needs."""
import re

UNTIL_ANOTHER = """
until now=$(systemctl show -P MainPID softiovd) && [ "$now" != 0 ] && [ "$now" != "$old" ] &&
    systemctl is-active softiovd; do sleep 0.1; done
"""


def test_service(root):
    """Started at boot; TAP, sockets, the bus seen from outside the service; ended in order."""
    said = root.boot("""
        systemctl is-active softiovd
        systemctl show -P StatusText softiovd
        stat -c '%a %U:%G' /run/softiov/softiov.sock /run/softiov/0000:07:10.0.sock
        cat /sys/class/net/sv0/address
        cat /run/softiov/sys/bus/pci/devices/0000:07:00.0/sriov_numvfs
        echo 0 > /run/softiov/sys/bus/pci/devices/0000:07:00.0/sriov_numvfs
        echo 16 > /run/softiov/sys/bus/pci/devices/0000:07:00.0/sriov_numvfs
        softiov xe vm-create name-label=kept > /dev/null
        systemctl stop softiovd
        systemctl show -P Result softiovd
        systemctl show -P ActiveState softiovd
        if mountpoint -q /run/softiov/sys; then exit 1; fi
        """)
    assert re.fullmatch(r"active\ncards: 1; VFs and cards in use: 0\n"
                        r"660 root:softiov\n660 root:softiov\n([0-9a-f]{2}:){5}[0-9a-f]{2}\n8\n"
                        r"success\ninactive\ndone\n", said), said


def test_crash(root):
    """A daemon that is killed comes back with its cards, its bus and its inventory."""
    said = root.boot("""
        softiov xe vm-create name-label=kept > /dev/null
        old=$(systemctl show -P MainPID softiovd)
        kill -9 $old
        """ + UNTIL_ANOTHER + """
        softiov xe vm-list params=name-label --minimal
        ls /run/softiov/sys/bus/pci/devices | wc -l
        systemctl show -P NRestarts softiovd
        """)
    assert said.splitlines()[-4:] == ["kept", "9", "1", "done"]


def test_hung(root):
    """A daemon whose device thread hangs is found by the watchdog."""
    said = root.boot("""
        mkdir -p /run/systemd/system/softiovd.service.d
        printf '[Service]\\nWatchdogSec=4\\n' > /run/systemd/system/softiovd.service.d/quick.conf
        systemctl daemon-reload
        systemctl restart softiovd
        old=$(systemctl show -P MainPID softiovd)
        kill -STOP $old
        """ + UNTIL_ANOTHER + """
        softiov show > /dev/null
        """)
    assert said.splitlines()[-1] == "done"


def test_wrong_configuration(root):
    """A wrong configuration is refused with its line, once, and not tried again and again."""
    root.path("/etc/softiov/softiovd.yaml").write_text("cards: [ { address: nonsense } ]\n")
    said = root.boot("""
        systemctl is-failed softiovd
        systemctl show -P NRestarts softiovd
        journalctl -u softiovd -o cat | grep softiovd.yaml:1
        """)
    assert said.startswith("failed\n0\n")
    assert "nonsense" in said
