/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * guest_initramfs.c - an initramfs: any
 * number of cpio archives of the "newc" form, each plain or compressed, with zeros between them (Linux
 * Documentation/driver-api/early-userspace/buffer-format.rst): mostly microcode, plain, and the rest, compressed. Whatever
 * follows the first compressed stream must be compressed the same way. Contents are skipped but for modules.builtin.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "check/expand.h"
#include "check/guest.h"

#define BUFFER_BYTES 65536u
#define TOTAL_MAX (4ull << 30) /* what is unpacked at most */
#define HEADER_BYTES 110u
#define FIELD_DIGITS 8
#define FIELD_SIZE_AT 54u
#define FIELD_NAME_AT 94u
#define NAME_MAX_BYTES 4096u
#define TRAILER "TRAILER!!!"

/* Bytes of a file, plain or unpacked. */
struct stream {
	int fd;
	struct expander *expander; /* NULL: plain */
	uint64_t taken;		   /* so far */
	size_t at, end;
	uint8_t buffer[BUFFER_BYTES];
};

static int fill(struct stream *stream)
{
	ssize_t n = stream->expander ? expander_read(stream->expander, stream->buffer, BUFFER_BYTES)
				     : read(stream->fd, stream->buffer, BUFFER_BYTES);

	if (n < 0)
		return stream->expander ? (int)n : -errno;
	stream->at = 0;
	stream->end = (size_t)n;
	return stream->taken > TOTAL_MAX ? -EFBIG : n > 0;
}

/* @data may be NULL: skip. Return: 0, -ENODATA at the end, or another -errno. */
static int take(struct stream *stream, void *data, size_t size)
{
	while (size) {
		int more = stream->at < stream->end ? 1 : fill(stream);
		size_t n;

		if (more <= 0)
			return more ? more : -ENODATA;
		n = MIN(size, stream->end - stream->at);
		if (data) {
			memcpy(data, stream->buffer + stream->at, n);
			data = (char *)data + n;
		}
		stream->at += n;
		stream->taken += n;
		size -= n;
	}
	return 0;
}

static int skip_to_4(struct stream *stream)
{
	return take(stream, NULL, (size_t)(-stream->taken & 3));
}

/* Skip zeros. Return: 1 with more to come, 0 at the end, or -errno. */
static int skip_zeros(struct stream *stream)
{
	for (;;) {
		int more = stream->at < stream->end ? 1 : fill(stream);

		if (more <= 0)
			return more;
		if (stream->buffer[stream->at])
			return 1;
		stream->at++;
		stream->taken++;
	}
}

static int64_t field(const char *header, unsigned int at)
{
	char digits[FIELD_DIGITS + 1], *end;
	long long value;

	memcpy(digits, header + at, FIELD_DIGITS);
	digits[FIELD_DIGITS] = '\0';
	value = strtoll(digits, &end, 16);
	return end == digits + FIELD_DIGITS ? value : -1;
}

static int read_builtin(struct stream *stream, size_t size, struct guest_found *found)
{
	char *text = malloc(size + 1);
	int error = text ? take(stream, text, size) : -ENOMEM;

	if (!error) {
		text[size] = '\0';
		guest_list(found, text, true);
	}
	free(text);
	return error;
}

static bool ends_with(const char *name, const char *ending)
{
	size_t length = strlen(name), end = strlen(ending);

	return length >= end && !strcmp(name + length - end, ending);
}

/* Return: 1 for a member, 0 for the trailer, or -errno. */
static int take_member(struct stream *stream, struct guest_found *found)
{
	char header[HEADER_BYTES], name[NAME_MAX_BYTES + 1];
	int error = take(stream, header, sizeof(header));
	int64_t size, length;

	if (error)
		return error;
	size = field(header, FIELD_SIZE_AT);
	length = field(header, FIELD_NAME_AT);
	if ((memcmp(header, "070701", 6) && memcmp(header, "070702", 6)) || size < 0 ||
	    length <= 0 || length > (int64_t)NAME_MAX_BYTES)
		return -EBADMSG;
	error = take(stream, name, (size_t)length);
	if (!error)
		error = skip_to_4(stream);
	if (error)
		return error;
	name[length] = '\0';
	if (!strcmp(name, TRAILER))
		return 0;
	guest_file_name(found, name, strlen(name));
	if (ends_with(name, "/modules.builtin") && size <= (int64_t)GUEST_LIST_BYTES)
		error = read_builtin(stream, (size_t)size, found);
	else
		error = take(stream, NULL, (size_t)size);
	if (!error)
		error = skip_to_4(stream);
	return error ? error : 1;
}

/* Archives, one after the other. Return: 1 at bytes that are no archive, 0 at the end, or -errno. */
static int take_archives(struct stream *stream, struct guest_found *found)
{
	for (;;) {
		int more = skip_zeros(stream);

		if (more <= 0)
			return more;
		if (stream->buffer[stream->at] != '0')
			return 1;
		do
			more = take_member(stream, found);
		while (more > 0);
		if (more)
			return more;
	}
}

static int damaged(struct reason *why, int error)
{
	return refuse(why, -EBADMSG, "a damaged initramfs%s",
		      error == -ENODATA ? ": it is cut short"
		      : error == -EFBIG ? ": it does not end"
					: "");
}

/* What @stream, at its start, holds: archives, as the first bytes must say. */
static int read_initramfs(struct stream *stream, struct guest_found *found, struct reason *why)
{
	off_t at = 0;
	int more;

	if (fill(stream) <= 0 || stream->end < 6)
		return refuse(why, -EOPNOTSUPP, "too short");
	more = 1;
	if (!memcmp(stream->buffer, "0707", 4)) {
		more = take_archives(stream, found);
		if (more < 0)
			return damaged(why, more);
		if (!more)
			return 0;
		at = lseek(stream->fd, 0, SEEK_CUR) - (off_t)(stream->end - stream->at);
	}
	if (lseek(stream->fd, at, SEEK_SET) < 0)
		return refuse(why, -errno, "%s", strerror(errno));
	stream->expander = expander_open(stream->fd);
	if (!stream->expander)
		return at ? damaged(why, 0) : refuse(why, -EOPNOTSUPP, "not an initramfs");
	stream->taken = stream->at = stream->end = 0;
	more = fill(stream);
	if (more <= 0 || (stream->end >= 4 && memcmp(stream->buffer, "0707", 4)))
		return more < 0 ? damaged(why, more)
				: refuse(why, -EOPNOTSUPP, "compressed, but not an initramfs");
	more = take_archives(stream, found);
	return more < 0 ? damaged(why, more) : 0;
}

int guest_initramfs(int fd, struct guest_found *found, struct reason *why)
{
	struct stream *stream = calloc(1, sizeof(*stream));
	int error;

	if (!stream)
		return refuse(why, -ENOMEM, "out of memory");
	stream->fd = fd;
	snprintf(found->kind, sizeof(found->kind), "initramfs");
	error = lseek(fd, 0, SEEK_SET) < 0 ? refuse(why, -errno, "%s", strerror(errno))
					   : read_initramfs(stream, found, why);
	expander_close(stream->expander);
	free(stream);
	return error;
}
