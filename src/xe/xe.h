/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * xe.h - the words of XenServer's command line, for VMs that QEMU runs and the virtual functions of this host's cards.
 *
 * Exit status: 0 done, 1 refused (nothing changed), 2 wrong words.
 */
#ifndef SOFTIOV_XE_XE_H
#define SOFTIOV_XE_XE_H

/**
 * xe_main() - run one command.
 * @socket: of the daemon's API
 * @argv: the words after "xe"
 * Return: the exit status.
 */
int xe_main(const char *socket, int argc, char **argv);

/**
 * xe_complete() - print, one per line, how the last of the words after "xe" can go on; ":files": as a file name. What the
 * daemon knows is asked of it; without a daemon there is less to say.
 */
void xe_complete(const char *socket, int argc, char **argv);

#endif
