/* Finding the program, and telling beforehand why it would not run. */
#ifndef PTBOX_ELFCHECK_H
#define PTBOX_ELFCHECK_H

/*
 * The file that execvp(3) would run for `name`. Ends ptbox with 127 if there is none, with 126 if it is
 * not executable or not for this machine.
 */
char *elfcheck_find(const char *name);

#endif
