# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of the manager share: the daemon's API as its clients have it, and VMs by it."""

import http.client
import json
import socket

from lab import REPO, tool, wait_until
from shell import BOOTED, SocketShell

QEMU = REPO / "tools/lab/qemu"
CONFIG = """\
vms: {{ qemu: "{qemu}", accel: {accel} }}
cards:
  - address: "0000:07"
"""


def config(qemu=QEMU):
    return CONFIG.format(qemu=qemu, accel=tool("accel"))


class Refused(Exception):
    """The daemon answered with an error."""

    def __init__(self, status, body):
        super().__init__(f"{status}: {body}")
        self.status, self.error = status, body["error"]
        self.code, self.params = body.get("code"), body.get("params")


class Connection(http.client.HTTPConnection):
    def __init__(self, path, timeout=120):
        super().__init__("softiov", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Api:
    """HTTP over the daemon's socket. get("/vm") and so on return the answer or raise Refused."""

    def __init__(self, daemon):
        self.daemon = daemon

    def call(self, method, path, body=None):
        connection = Connection(self.daemon.api)
        try:
            connection.request(method, "/v1" + path, None if body is None else json.dumps(body))
            reply = connection.getresponse()
            answer = json.loads(reply.read())
        finally:
            connection.close()
        if reply.status != 200:
            raise Refused(reply.status, answer)
        return answer

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, **body):
        return self.call("POST", path, body)

    def patch(self, path, **body):
        return self.call("PATCH", path, {name.replace("_", "-"): value
                                         for name, value in body.items()})

    def delete(self, path):
        return self.call("DELETE", path)

    def vms(self):
        return self.get("/vm")["vms"]

    def define(self, name, **members):
        """Returns the uuid of a new VM."""
        body = {key.replace("_", "-"): value for key, value in members.items()}
        return self.call("POST", "/vm", {"name-label": name, **body})["uuid"]

    def bootable(self, name, **members):
        """A VM that boots the lab's kernel to a shell, and obeys its power button."""
        return self.define(name, **{"memory": 256 << 20, "kernel": tool("qemu", "--kernel"),
                                    "initrd": tool("initramfs"),
                                    "kernel-args": "console=ttyS0 panic=0 no_timer_check "
                                                   "softiov.shell", **members})

    def vm(self, uuid):
        return self.get(f"/vm/{uuid}")

    def state(self, uuid):
        return self.vm(uuid)["power-state"]

    def wait_state(self, uuid, state, timeout=60):
        wait_until(lambda: self.state(uuid) == state, timeout,
                   lambda: f"{state}\n{self.daemon.logs()}")

    def console(self, uuid):
        try:
            with open(self.get(f"/vm/{uuid}/console")["log"], errors="replace") as log:
                return log.read()
        except FileNotFoundError:
            return ""

    def shell(self, uuid):
        return SocketShell(self.get(f"/vm/{uuid}/console")["socket"])

    def wait_booted(self, uuid, times=1, timeout=90):
        wait_until(lambda: self.console(uuid).count(BOOTED) >= times, timeout,
                   lambda: f"boot\n{self.console(uuid)[-3000:]}\n{self.daemon.logs()}")

    def forget_all(self):
        for vm in self.vms():
            try:
                self.post(f"/vm/{vm['uuid']}/shutdown", force=True)
            except Refused:
                pass    # halted
            self.delete(f"/vm/{vm['uuid']}")
        for sriov in self.get("/sriov")["sriovs"]:
            self.delete(f"/sriov/{sriov['uuid']}")
        for network in self.get("/network")["networks"]:
            self.delete(f"/network/{network['uuid']}")
