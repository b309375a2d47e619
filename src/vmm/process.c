// SPDX-License-Identifier: BSD-3-Clause
/*
 * process.c - QEMU as a process: started with a log, and its last words read from there.
 *
 * It is the leader of a session of its own, so that no terminal's Ctrl-C reaches it, and inherits no descriptor: the
 * daemon's sockets and cards stay the daemon's. It outlives the daemon (adopt.c).
 */
#include "vmm/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOG_MODE 0600
#define LAST_WORDS_BYTES 4096
#define DELETE 0x7f

static char **words_of(const json_t *command)
{
	char **argv = calloc(json_array_size(command) + 1, sizeof(*argv));
	size_t i;
	json_t *word;

	if (argv)
		json_array_foreach (command, i, word)
			argv[i] =
				(char *)json_string_value(word); /* posix_spawn() writes to none */
	return argv;
}

int vmm_spawn(const json_t *command, const char *dir, pid_t *pid, struct reason *why)
{
	char path[VMM_PATH_MAX], **argv = words_of(command);
	int log = -1, error = -ENOMEM;

	if (!argv)
		return refuse(why, error, "memory is short");
	snprintf(path, sizeof(path), "%s/" VMM_QEMU_LOG, dir);
	log = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
		   LOG_MODE);
	if (log < 0) {
		error = refuse(why, -errno, "cannot write %s: %s", path, strerror(errno));
		goto out;
	}
	error = vmm_spawn_with_output(argv, log, pid);
	if (error)
		refuse(why, error, "cannot run %s: %s", argv[0], strerror(-error));
	close(log);
out:
	free(argv);
	return error;
}

/* QEMU's words may be a guest's: nothing that a terminal would obey. */
static void clean(char *text)
{
	for (; *text; text++)
		if ((uint8_t)*text < ' ' || *text == DELETE)
			*text = '?';
}

/* The last line of @text that is not empty, its end cut off. */
static const char *last_line(char *text, size_t length)
{
	char *line;

	while (length && (text[length - 1] == '\n' || text[length - 1] == '\r'))
		length--;
	text[length] = '\0';
	line = strrchr(text, '\n');
	return line ? line + 1 : text;
}

void vmm_last_words(const char *dir, struct reason *words)
{
	char path[VMM_PATH_MAX], text[LAST_WORDS_BYTES + 1];
	struct stat st;
	ssize_t n = 0;
	int fd;

	words->text[0] = '\0';
	snprintf(path, sizeof(path), "%s/" VMM_QEMU_LOG, dir);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return;
	if (!fstat(fd, &st))
		n = pread(fd, text, LAST_WORDS_BYTES,
			  st.st_size > LAST_WORDS_BYTES ? st.st_size - LAST_WORDS_BYTES : 0);
	close(fd);
	if (n > 0)
		refuse(words, 0, "%s", last_line(text, (size_t)n));
	clean(words->text);
}
