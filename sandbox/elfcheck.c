#define _GNU_SOURCE
#include "elfcheck.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

enum { INTERPRETERS = 5 };

static bool is_directory(const char *path)
{
	struct stat file;

	return stat(path, &file) == 0 && S_ISDIR(file.st_mode);
}

static bool is_executable(const char *path)
{
	return !is_directory(path) && access(path, X_OK) == 0;
}

static const char *machine_name(unsigned machine)
{
	switch (machine) {
	case EM_386:
		return "32-bit x86";
	case EM_AARCH64:
		return "64-bit ARM";
	case EM_ARM:
		return "32-bit ARM";
	case EM_RISCV:
		return "RISC-V";
	case EM_PPC64:
		return "64-bit PowerPC";
	case EM_S390:
		return "S/390";
	default:
		return "another machine";
	}
}

static void check_elf(const char *path, const Elf64_Ehdr *header)
{
	if (header->e_ident[EI_CLASS] == ELFCLASS32 && header->e_machine == EM_X86_64)
		die(STATUS_CANNOT_RUN, "%s is an x32 program; ptbox runs 64-bit x86-64 programs only", path);
	if (header->e_ident[EI_DATA] != ELFDATA2LSB || header->e_machine != EM_X86_64)
		die(STATUS_CANNOT_RUN, "%s is a program for %s; ptbox runs x86-64 programs only", path,
		    machine_name(header->e_ident[EI_DATA] == ELFDATA2LSB ? header->e_machine
									 : __builtin_bswap16(header->e_machine)));
	if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
		die(STATUS_CANNOT_RUN, "%s is an ELF file, but not a program (an object file or a core?)", path);
}

/* The interpreter that a first line "#! PATH ARGUMENT" names; NULL if it names none. */
static char *interpreter_of(char *line)
{
	char *path = line + 2 + strspn(line + 2, " \t");

	path[strcspn(path, " \t\n")] = 0;
	return *path ? path : NULL;
}

static void check_runnable(const char *program)
{
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s", program);
	for (int depth = 0; depth < INTERPRETERS; depth++) {
		_Alignas(Elf64_Ehdr) char head[PATH_MAX] = {0};
		/* Not blocking: it may be a FIFO. */
		int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		struct stat about;

		if (fd < 0 && errno == EACCES)
			return; /* a program may be executable and not readable */
		if (fd < 0)
			die(STATUS_CANNOT_RUN, "%s: its interpreter %s cannot be opened: %m", program, path);
		if (fstat(fd, &about) || !S_ISREG(about.st_mode))
			die(STATUS_CANNOT_RUN, "%s is not a regular file", path);

		ssize_t got = read(fd, head, sizeof head - 1);

		close(fd);
		if (got >= (ssize_t)sizeof(Elf64_Ehdr) && memcmp(head, ELFMAG, SELFMAG) == 0) {
			check_elf(path, (const Elf64_Ehdr *)head);
			return;
		}

		char *interpreter = got > 2 && head[0] == '#' && head[1] == '!' ? interpreter_of(head) : NULL;

		if (!interpreter)
			die(STATUS_CANNOT_RUN,
			    "%s is neither an ELF program nor a script with a #! line\n"
			    "  A shell script without one: ptbox [OPTIONS] -- sh %s", path, path);
		if (!is_executable(interpreter))
			die(STATUS_CANNOT_RUN, "%s: its interpreter %s is %s", program, interpreter,
			    access(interpreter, F_OK) == 0 ? "not executable" : "not there");
		snprintf(path, sizeof path, "%s", interpreter);
	}
	die(STATUS_CANNOT_RUN, "%s: too many interpreters on top of each other", program);
}

/* Looks along PATH; of several candidates the first executable one. */
static char *search(const char *name)
{
	const char *list = getenv("PATH");
	char *found = NULL, *copy = strdup(list ? list : "/usr/local/bin:/usr/bin:/bin"), *rest = copy, *directory;

	while (copy && (directory = strsep(&rest, ":"))) {
		char *path;

		if (asprintf(&path, "%s/%s", *directory ? directory : ".", name) < 0)
			break;
		if (is_executable(path)) {
			free(found);
			free(copy);
			return path;
		}
		if (!found && access(path, F_OK) == 0 && !is_directory(path))
			found = path;
		else
			free(path);
	}
	free(copy);
	return found;
}

char *elfcheck_find(const char *name)
{
	char *path = strchr(name, '/') ? strdup(name) : search(name);

	if (!path)
		die(STATUS_NOT_FOUND, "%s: no such program in PATH; give a path with a / if it is elsewhere", name);
	if (access(path, F_OK) < 0)
		die(STATUS_NOT_FOUND, "%s: %m", path);
	if (is_directory(path))
		die(STATUS_CANNOT_RUN, "%s is a directory, not a program", path);
	if (!is_executable(path))
		die(STATUS_CANNOT_RUN, "%s is not executable (chmod +x, or is its file system mounted noexec?)", path);
	check_runnable(path);
	return path;
}
