/* Processor time that threads spend outside Python's lock, preloaded by batch_lock.py.

   Extensions let go of the lock by PyEval_SaveThread and take it again by PyEval_RestoreThread.
   Whatever else a process computes, it computes while it holds the lock. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <time.h>

static _Atomic long long outside, times;
static __thread long long since = -1;

static long long used(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

void *PyEval_SaveThread(void) {
    static void *(*let_go)(void);
    if (!let_go) let_go = dlsym(RTLD_NEXT, "PyEval_SaveThread");
    void *state = let_go();
    since = used();
    return state;
}

void PyEval_RestoreThread(void *state) {
    static void (*take)(void *);
    if (!take) take = dlsym(RTLD_NEXT, "PyEval_RestoreThread");
    if (since >= 0) {
        outside += used() - since;
        times++;
        since = -1;
    }
    take(state);
}

long long nanoseconds_outside_lock(void) { return outside; }
long long times_let_go(void) { return times; }
