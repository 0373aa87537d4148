/* Forks, exits, waits. */
#include <stdio.h>

#include "ptexit.h"

int main(void)
{
    ptexit_ctx *ctx;
    ptexit_task init, child;
    ptexit_wait_args any = PTEXIT_INIT(ptexit_wait_args);
    ptexit_wait_result dead = PTEXIT_INIT(ptexit_wait_result);

    any.options = PTEXIT_WEXITED | PTEXIT_WNOHANG;
    if (ptexit_ctx_new(NULL, &ctx) || ptexit_init_new(ctx, NULL, &init)
        || ptexit_clone(ctx, init, NULL, &child) || ptexit_clone_commit(ctx, child)
        || ptexit_exit_begin(ctx, child, PTEXIT_EXITED(7), NULL) || ptexit_exit_finish(ctx, child, NULL)
        || ptexit_wait(ctx, init, &any, &dead))
        return 1;
    printf("process %u exited with %d\n", dead.pid, dead.value);
    ptexit_ctx_free(ctx);
    return dead.value == 7 ? 0 : 1;
}
