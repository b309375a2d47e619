# SPDX-License-Identifier: BSD-3-Clause
# Thin front of meson: each target installs what it needs, builds, runs.
BUILD ?= build
MESON ?= meson

.PHONY: all deps build demo test test-unit test-sanitize test-vm test-card test-xe test-package bench bench-vm
.PHONY: install uninstall deb lint format clean

all: build

deps:
	@tools/install-deps

$(BUILD)/build.ninja: | deps
	@$(MESON) setup $(BUILD) > /dev/null || { $(MESON) setup $(BUILD); exit 1; }

build: deps $(BUILD)/build.ninja
	@$(MESON) compile -C $(BUILD)

demo: build
	@DEMO=$(DEMO) SOFTIOV_BUILD=$(abspath $(BUILD)) tools/demo

test: build
	@tools/install-deps package
	@SOFTIOV_BUILD=$(abspath $(BUILD)) tools/test

test-unit: build
	@SOFTIOV_BUILD=$(abspath $(BUILD)) tools/test unit

test-sanitize: build
	@SOFTIOV_BUILD=$(abspath $(BUILD)) tools/test address thread

test-vm: build
	@SOFTIOV_BUILD=$(abspath $(BUILD)) tools/test vm

test-card: build
	@SOFTIOV_BUILD=$(abspath $(BUILD)) tools/test card

test-xe: build
	@SOFTIOV_BUILD=$(abspath $(BUILD)) tools/test xe

test-package: build
	@tools/install-deps package
	@SOFTIOV_BUILD=$(abspath $(BUILD)) tools/test package

bench: build
	@tools/install-deps bench
	@$(MESON) compile -C $(BUILD) bench-programs
	@SOFTIOV_BUILD=$(abspath $(BUILD)) bench/main.py data

bench-vm: build
	@tools/lab/prepare
	@SOFTIOV_BUILD=$(abspath $(BUILD)) bench/main.py vm

# For packages: make install DESTDIR=... PREFIX=/usr
PREFIX ?= /usr/local

install: build
	@$(MESON) configure $(BUILD) -Dprefix=$(PREFIX) -Dsysconfdir=/etc
	@$(MESON) compile -C $(BUILD)
	@DESTDIR=$(DESTDIR) $(MESON) install -C $(BUILD) --no-rebuild
	@[ -n "$(DESTDIR)" ] || tools/after-install $(PREFIX)

# What "make install" put there, but the configuration and the inventory of VMs.
uninstall:
	@DESTDIR=$(DESTDIR) tools/uninstall $(BUILD)

deb:
	@tools/install-deps
	@tools/install-deps package
	@SOFTIOV_BUILD=$(abspath $(BUILD)) tools/deb

lint: build
	@SOFTIOV_BUILD=$(abspath $(BUILD)) tools/lint

format:
	@git ls-files 'src/*.[ch]' 'include/*.h' 'tests/*.[ch]' 'bench/*.[ch]' 'docs/*.c' | xargs clang-format --style=file -i

clean:
	@rm -rf $(BUILD) $(BUILD)-address $(BUILD)-thread
