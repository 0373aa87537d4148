/* Which system calls of the guests come to the supervisor. */
#ifndef PTBOX_SECCOMP_H
#define PTBOX_SECCOMP_H

/* Installs the filter in the calling process, for good and for all its descendants. 0 or -1 and errno. */
int seccomp_install(void);

#endif
