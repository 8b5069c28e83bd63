/* Tells ThreadSanitizer what the locks of Rust's standard library order.
 *
 * That library is the stock one, without instrumentation. To take and give up a lock that nobody
 * else wants is code that is inlined into whoever does it, and so is instrumented there; all else
 * is calls of the functions below, which the linker directs here (`--wrap`). Their arguments are
 * those of `library/std/src/sys/sync/{mutex,rwlock,condvar}/futex.rs`.
 *
 * PREFIX is how their names begin with this compiler: see xtask/src/proof/tsan.rs.
 */
#include <stdbool.h>
#include <stdint.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);

#define REAL(name) __asm__("__real_" name)
#define WRAP(name) __asm__("__wrap_" name)

#define MUTEX PREFIX "5mutex5futexNtB2_5Mutex"
#define RWLOCK PREFIX "6rwlock5futexNtB2_6RwLock"
#define CONDVAR PREFIX "7condvar5futexNtB2_7Condvar"

/* A function that returns with the lock held. */
#define ACQUIRES(function, name)                 \
    void real_##function(void *lock) REAL(name); \
    void wrap_##function(void *lock) WRAP(name); \
    void wrap_##function(void *lock) {           \
        real_##function(lock);                   \
        __tsan_acquire(lock);                    \
    }

ACQUIRES(lock, MUTEX "14lock_contended")
ACQUIRES(read, RWLOCK "14read_contended")
ACQUIRES(write, RWLOCK "15write_contended")

/* Both give the lock up, and return with it held. A `Duration` is its seconds and its nanoseconds. */
void real_wait(void *condvar, void *lock) REAL(CONDVAR "4wait");
void wrap_wait(void *condvar, void *lock) WRAP(CONDVAR "4wait");
void wrap_wait(void *condvar, void *lock) {
    __tsan_release(lock);
    real_wait(condvar, lock);
    __tsan_acquire(lock);
}

bool real_wait_timeout(void *, void *, uint64_t, uint32_t) REAL(CONDVAR "12wait_timeout");
bool wrap_wait_timeout(void *, void *, uint64_t, uint32_t) WRAP(CONDVAR "12wait_timeout");
bool wrap_wait_timeout(void *condvar, void *lock, uint64_t seconds, uint32_t nanoseconds) {
    __tsan_release(lock);
    bool woken = real_wait_timeout(condvar, lock, seconds, nanoseconds);
    __tsan_acquire(lock);
    return woken;
}
