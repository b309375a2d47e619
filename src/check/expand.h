/* SPDX-License-Identifier: BSD-3-Clause */
/* expand.h - files that may be compressed (gzip, bzip2, xz, lzma, zstd, lz4), by libarchive, as a stream of bounded length. */
#ifndef SOFTIOV_CHECK_EXPAND_H
#define SOFTIOV_CHECK_EXPAND_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct expander;

/**
 * expander_open() - decompress what @fd (borrowed) holds from its present position on.
 * Return: the stream, or NULL: it is not compressed in a known way, or memory is short.
 */
struct expander *expander_open(int fd);
void expander_close(struct expander *expander);
/** expander_read() - Return: bytes read, 0 at the end, -EBADMSG: damaged. */
ssize_t expander_read(struct expander *expander, void *data, size_t size);

/** expand_file() - up to @size bytes of a file, decompressed if it is compressed. Return: how many, or -errno. */
ssize_t expand_file(const char *path, void *data, size_t size);

#endif
