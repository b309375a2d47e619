/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * expand.c - decompression. libarchive's "raw" format is one member that holds what the filters in front of it yield; a stream
 * that needed no filter is not compressed. Its filters bound their memory themselves (xz: 1 GiB, zstd: 128 MiB).
 */
#include "check/expand.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define BLOCK_BYTES 65536u
#define FILTERS_PLAIN 1 /* libarchive counts the file itself as one */

struct expander {
	struct archive *archive;
	bool broken; /* compressed, by its first bytes, but not to be read */
};

static void add_filters(struct archive *archive)
{
	archive_read_support_filter_gzip(archive);
	archive_read_support_filter_bzip2(archive);
	archive_read_support_filter_xz(archive);
	archive_read_support_filter_lzma(archive);
	archive_read_support_filter_zstd(archive);
	archive_read_support_filter_lz4(archive);
	archive_read_support_format_raw(archive);
}

struct expander *expander_open(int fd)
{
	struct expander *expander = malloc(sizeof(*expander));
	struct archive_entry *entry;
	bool opened;

	if (!expander)
		return NULL;
	expander->archive = archive_read_new();
	if (expander->archive) {
		add_filters(expander->archive);
		/* Opening unpacks the first bytes already, and fails only where that does. */
		opened = archive_read_open_fd(expander->archive, fd, BLOCK_BYTES) == ARCHIVE_OK;
		expander->broken = !opened || archive_read_next_header(expander->archive, &entry) !=
						      ARCHIVE_OK;
		if (!opened || archive_filter_count(expander->archive) > FILTERS_PLAIN)
			return expander;
	}
	expander_close(expander);
	return NULL;
}

void expander_close(struct expander *expander)
{
	if (!expander)
		return;
	archive_read_free(expander->archive);
	free(expander);
}

ssize_t expander_read(struct expander *expander, void *data, size_t size)
{
	la_ssize_t length =
		expander->broken ? ARCHIVE_FATAL : archive_read_data(expander->archive, data, size);

	return length < 0 ? -EBADMSG : (ssize_t)length;
}

static ssize_t read_fully(int fd, struct expander *expander, char *data, size_t size)
{
	size_t length = 0;

	while (length < size) {
		ssize_t n = expander ? expander_read(expander, data + length, size - length)
				     : read(fd, data + length, size - length);

		if (n < 0)
			return expander ? n : -errno;
		if (!n)
			break;
		length += (size_t)n;
	}
	return (ssize_t)length;
}

ssize_t expand_file(const char *path, void *data, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct expander *expander;
	ssize_t length;

	if (fd < 0)
		return -errno;
	expander = expander_open(fd);
	if (!expander && lseek(fd, 0, SEEK_SET) < 0)
		length = -errno;
	else
		length = read_fully(fd, expander, data, size);
	expander_close(expander);
	close(fd);
	return length;
}
