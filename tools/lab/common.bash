# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What the lab's scripts share: where the lab is kept and how to run its programs.
#
# The lab is a folder of unpacked Debian packages ("root") that is never booted, installed or entered with chroot: its
# programs run in place, by its own dynamic loader against its own libraries. So no part of the lab needs root, and the
# machine's own release does not matter.

set -eu
shopt -s inherit_errexit

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC2034 # read by the scripts that source this file
repo=$(cd "$tools/../.." && pwd)

if [ -n "${SOFTIOV_LAB:-}" ]; then
	lab=$SOFTIOV_LAB
elif [ "$(id -u)" = 0 ]; then
	lab=/var/cache/softiov/lab
else
	lab=$HOME/.cache/softiov/lab
fi
root=$lab/root
libdir=$root/usr/lib/x86_64-linux-gnu

# The guests' kernel: Debian 13's own, in the root, or the newest of its backports, beside it.
kernel=${SOFTIOV_KERNEL:-stable}
case $kernel in
stable) kernel_root=$root ;;
backports) kernel_root=$lab/backports ;;
*) die "SOFTIOV_KERNEL is '$kernel': say stable or backports" ;;
esac

# in_lab PROGRAM ARGUMENT...: run a program of the lab, named relative to its root, by the lab's own loader.
in_lab() {
	local program=$1
	shift
	"$root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$libdir" --argv0 "${argv0:-$program}" \
		"$root/$program" "$@"
}

kernel_release() {
	cat "$kernel_root/kernel-release" 2>/dev/null || die "no $kernel kernel in $lab: run tools/lab/prepare"
}

# kernel_image FOLDER RELEASE: its place; newer packages keep it with the modules.
kernel_image() {
	local image
	for image in "$1/boot/vmlinuz-$2" "$1/usr/lib/modules/$2/vmlinuz"; do
		[ ! -e "$image" ] || { echo "$image"; return; }
	done
	die "the kernel package holds no image of $2"
}

# Rebuild nothing while another run does: lock NAME holds a lock for the rest of this process.
lock() {
	mkdir -p "$lab" 2>/dev/null || die "cannot create $lab: set SOFTIOV_LAB to a folder you can write to"
	exec 9>"$lab/$1.lock" || die "cannot write to $lab: set SOFTIOV_LAB to a folder you can write to"
	flock 9
}

# Show what a command printed, only if it failed.
quietly() {
	local output
	output=$("$@" 2>&1 </dev/null) || { printf '%s\n' "$output" >&2; return 1; }
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "needs root once to run: $* (run it yourself, then try again)"
	fi
}

# The Debian mirror that apt on this machine uses, or SOFTIOV_MIRROR.
configured_mirror() {
	# shellcheck disable=SC2016 # apt expands these
	apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' |
		sed -n 's/^Debian|Debian|//p' | sort -u | head -n 1
}

find_mirror() {
	[ -z "${SOFTIOV_MIRROR:-}" ] || { echo "$SOFTIOV_MIRROR"; return; }
	local mirror
	mirror=$(configured_mirror)
	if [ -z "$mirror" ]; then	# apt knows a source's origin only once it has read its index
		quietly as_root apt-get -q update || true
		mirror=$(configured_mirror)
	fi
	[ -n "$mirror" ] || die "apt on this machine names no Debian mirror: set SOFTIOV_MIRROR"
	echo "$mirror"
}
