/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lspci.c - "softiov lspci": the real lspci (pciutils), told to read the daemon's sysfs tree, RUN_DIR/sys, instead
 * of the host's. All its options work, since they are its own.
 *
 * With --bare it runs twice: on what the bus has, where a bare VF answers with IDs of ffff and without BARs (PCI
 * Express Base 5.0, 9.3.4), and on the virtual configuration spaces that the SR-IOV manager makes of that.
 *
 * One line that lspci writes to stderr is not passed on: it looks for the host's module directory to name drivers,
 * and complains where the running kernel has none (a container, a kernel without modules), which is nothing about
 * the cards.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"

#define NO_MODULES "lspci: Unable to load libkmod resources"
#define OWN_WORDS 5 /* lspci -A METHOD -O PARAMETER */
#define EXIT_NOT_FOUND 127
#define EXIT_BY_SIGNAL 128

static void run_lspci(const char *tree, int argc, char **argv, int err)
{
	char parameter[PATH_MAX + sizeof("sysfs.path=/bus/pci")];
	char **words = calloc((size_t)argc + OWN_WORDS + 1, sizeof(*words));

	if (!words || dup2(err, STDERR_FILENO) < 0)
		_exit(EXIT_REFUSED);
	snprintf(parameter, sizeof(parameter), "sysfs.path=%s/bus/pci", tree);
	words[0] = (char *)"lspci";
	words[1] = (char *)"-A";
	words[2] = (char *)"linux-sysfs";
	words[3] = (char *)"-O";
	words[4] = parameter;
	for (int i = 0; i < argc; i++)
		words[OWN_WORDS + i] = argv[i];
	execvp(words[0], words);
	_exit(EXIT_NOT_FOUND);
}

static void pass_complaints(int fd)
{
	FILE *from = fdopen(fd, "r");
	char *line = NULL;
	size_t size = 0;

	if (!from) {
		close(fd);
		return;
	}
	while (getline(&line, &size, from) > 0)
		if (strncmp(line, NO_MODULES, strlen(NO_MODULES)))
			fputs(line, stderr);
	free(line);
	fclose(from);
}

/* Return: its exit status. */
static int lspci(const char *tree, int argc, char **argv)
{
	int err[2], status = 0;
	pid_t pid;

	fflush(stdout);
	if (pipe(err)) {
		perror("softiov: pipe");
		return EXIT_REFUSED;
	}
	pid = fork();
	if (!pid) {
		close(err[0]);
		run_lspci(tree, argc, argv, err[1]);
	}
	close(err[1]);
	pass_complaints(err[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("softiov: lspci");
		return EXIT_REFUSED;
	}
	if (WIFSIGNALED(status))
		return EXIT_BY_SIGNAL + WTERMSIG(status);
	if (WEXITSTATUS(status) != EXIT_NOT_FOUND)
		return WEXITSTATUS(status);
	fprintf(stderr, "softiov: no lspci here: install pciutils\n");
	return EXIT_REFUSED;
}

/* The tree is beside the API's socket. */
static int find_tree(const struct cli *cli, char *tree, size_t size)
{
	const char *slash = strrchr(cli->socket, '/');
	char devices[PATH_MAX + sizeof("/bus/pci/devices")];

	snprintf(tree, size, "%.*s/sys", slash ? (int)(slash - cli->socket) : 1,
		 slash ? cli->socket : ".");
	snprintf(devices, sizeof(devices), "%s/bus/pci/devices", tree);
	if (!access(devices, R_OK))
		return EXIT_SUCCESS;
	if (access(cli->socket, F_OK))
		fprintf(stderr,
			"softiov: no daemon answers at %s: is softiovd running? (--socket PATH "
			"names another)\n",
			cli->socket);
	else
		fprintf(stderr,
			"softiov: %s: no tree to read: the daemon's log says why (it needs "
			"/dev/fuse, and 'sysfs: auto' in its configuration)\n",
			tree);
	return EXIT_REFUSED;
}

/* Take --bare out of the words. */
static bool take_bare(int *argc, char **argv)
{
	int kept = 0;

	for (int i = 0; i < *argc; i++)
		if (strcmp(argv[i], "--bare"))
			argv[kept++] = argv[i];
	if (kept == *argc)
		return false;
	*argc = kept;
	return true;
}

int cmd_lspci(const struct cli *cli, int argc, char **argv)
{
	char tree[PATH_MAX], bare[PATH_MAX + sizeof("/bare")];
	bool both = take_bare(&argc, argv);
	int status = find_tree(cli, tree, sizeof(tree)), second;

	if (status)
		return status;
	if (!both)
		return lspci(tree, argc, argv);
	snprintf(bare, sizeof(bare), "%s/bare", tree);
	puts("On the bus:");
	status = lspci(bare, argc, argv);
	puts("\nAs the SR-IOV manager gives them to VMs:");
	second = lspci(tree, argc, argv);
	return status ? status : second;
}
