# SPDX-License-Identifier: BSD-3-Clause
"""make install and make uninstall, into a folder."""
import os
import pathlib
import subprocess

from conftest import BUILD

TOP = pathlib.Path(__file__).resolve().parents[2]


def install(folder):
    """As make install does, of what is built already."""
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet",
                    "--destdir", folder], check=True, stdout=subprocess.DEVNULL)


def files(folder):
    """All but folders, relative to the one they were installed in."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")
            if path.is_symlink() or not path.is_dir()}


def test_install_and_uninstall(tmp_path):
    """Everything comes, an edited configuration stays, and all else goes again."""
    install(tmp_path)
    came = files(tmp_path)
    names = {name.rsplit("/", 1)[1] for name in came}
    assert {"softiov", "softiovd", "softiov-pktgen", "softiovd.service", "softiov.conf",
            "softiov.pc", "libsoftiov.so.0", "softiovd.8", "softiov-xe.1", "_softiov"} <= names
    assert not any(name.endswith("bin/xe") for name in came)  # a packager's choice
    config = tmp_path / next(n for n in came if n.endswith("etc/softiov/softiovd.yaml"))
    unit = tmp_path / next(n for n in came if n.endswith("softiovd.service"))
    start = next(line for line in unit.read_text().splitlines() if line.startswith("ExecStart"))
    assert (tmp_path / start.split("=")[1].split()[0].lstrip("/")).exists()
    assert tmp_path / start.split()[-1].lstrip("/") == config

    config.write_text("# mine\n")
    install(tmp_path)
    assert config.read_text() == "# mine\n"
    assert files(tmp_path) == came

    subprocess.run([TOP / "tools/uninstall", BUILD], check=True,
                   env={**os.environ, "DESTDIR": str(tmp_path)})
    assert files(tmp_path) == {str(config.relative_to(tmp_path))}
