/* Faults of disk and clock, put under a running portal by LD_PRELOAD.
 *
 * `faults_begin` (called by the child that shall suffer, or at the start when
 * FAULTS_CONTROL is set) maps a file of numbers that the test may change at any
 * time; `tests/faults/shim.py` names them. Only files in FAULTS_FOLDER suffer. With
 * FAULTS_LOG every write, truncation, removal and sync there is written down, so
 * that a test can rebuild what a power cut would have left.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct control {
  int64_t syncs;        /* of files in the folder, so far */
  int64_t kill_before;  /* kill -9 before the sync of this number */
  int64_t kill_after;   /* kill -9 behind it */
  int64_t write_errno;  /* what each write fails with */
  int64_t halves;       /* writes are cut in half: first short, then failing */
  int64_t sync_errno;   /* what each sync fails with */
  int64_t failed;       /* calls that failed or were cut by our doing */
  int64_t clock_s;      /* what the wall clock is ahead */
};

static struct control *control;
static char folder[4096];
static int log_fd = -1;
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))real(#name))

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

void faults_begin(void) {
  const char *path = getenv("FAULTS_CONTROL"), *where = getenv("FAULTS_FOLDER");
  const char *log = getenv("FAULTS_LOG");
  if (!path || !where || control) return;
  int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) return;
  snprintf(folder, sizeof folder, "%s/", where);
  if (log)
    log_fd = syscall(SYS_openat, AT_FDCWD, log,
                     O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  void *at = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  syscall(SYS_close, fd);
  if (at != MAP_FAILED) control = at;
}

__attribute__((constructor)) static void at_start(void) {
  if (getenv("FAULTS_AT_START")) faults_begin();
}

/* Its path where the descriptor is one of our files; the index of the WAL is no
 * stored thing: it is rebuilt. */
static int ours(int fd, char *path, size_t room) {
  char link[64];
  if (!control) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, room - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  if (strncmp(path, folder, strlen(folder) - 1)) return 0;
  return length < 4 || strcmp(path + length - 4, "-shm");
}

static void note(char kind, const char *path, int64_t offset, const void *data,
                 int64_t size) {
  if (log_fd < 0) return;
  struct { int64_t kind, path, offset, size; } head = {
      kind, (int64_t)strlen(path), offset, data ? size : 0};
  struct iovec parts[3] = {{&head, sizeof head}, {(void *)path, strlen(path)},
                           {(void *)data, data ? size : 0}};
  syscall(SYS_writev, log_fd, parts, data ? 3 : 2);
}

/* How much of a write may happen; -1 where it fails. */
static ssize_t allowed(size_t size) {
  static __thread int was_cut;
  if (control->write_errno && !control->halves) {
    __atomic_add_fetch(&control->failed, 1, __ATOMIC_SEQ_CST);
    errno = control->write_errno;
    return -1;
  }
  if (control->halves && control->write_errno) {
    __atomic_add_fetch(&control->failed, 1, __ATOMIC_SEQ_CST);
    was_cut = !was_cut;
    if (was_cut && size > 1) return size / 2;
    errno = control->write_errno;
    return -1;
  }
  return size;
}

static ssize_t put(int fd, const void *data, size_t size, off64_t at, int has_at) {
  char path[4096];
  if (!ours(fd, path, sizeof path))
    return has_at ? syscall(SYS_pwrite64, fd, data, size, at)
                  : syscall(SYS_write, fd, data, size);
  ssize_t most = allowed(size);
  if (most < 0) return -1;
  pthread_mutex_lock(&order);
  int64_t where = has_at ? at : lseek64(fd, 0, SEEK_CUR);
  ssize_t done = has_at ? syscall(SYS_pwrite64, fd, data, most, at)
                        : syscall(SYS_write, fd, data, most);
  if (done > 0) note('w', path, where, data, done);
  pthread_mutex_unlock(&order);
  return done;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
  return put(fd, data, size, at, 1);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
  return put(fd, data, size, at, 1);
}
ssize_t write(int fd, const void *data, size_t size) {
  return put(fd, data, size, 0, 0);
}

static int cut(int fd, off64_t size) {
  char path[4096];
  if (!ours(fd, path, sizeof path)) return syscall(SYS_ftruncate, fd, size);
  pthread_mutex_lock(&order);
  int failed = syscall(SYS_ftruncate, fd, size);
  if (!failed) note('t', path, size, NULL, 0);
  pthread_mutex_unlock(&order);
  return failed;
}

int ftruncate(int fd, off_t size) { return cut(fd, size); }
int ftruncate64(int fd, off64_t size) { return cut(fd, size); }

int unlink(const char *path) {
  pthread_mutex_lock(&order);
  int failed = syscall(SYS_unlinkat, AT_FDCWD, path, 0);
  if (!failed && control && !strncmp(path, folder, strlen(folder)))
    note('u', path, 0, NULL, 0);
  pthread_mutex_unlock(&order);
  return failed;
}

static int synced(int fd, long call) {
  char path[4096];
  if (!ours(fd, path, sizeof path)) return syscall(call, fd);
  if (control->sync_errno) {
    __atomic_add_fetch(&control->failed, 1, __ATOMIC_SEQ_CST);
    errno = control->sync_errno;
    return -1;
  }
  int64_t number = __atomic_add_fetch(&control->syncs, 1, __ATOMIC_SEQ_CST);
  if (number == control->kill_before) syscall(SYS_kill, getpid(), SIGKILL);
  pthread_mutex_lock(&order);
  int failed = syscall(call, fd);
  if (!failed) note('s', path, 0, NULL, 0);
  pthread_mutex_unlock(&order);
  if (number == control->kill_after) syscall(SYS_kill, getpid(), SIGKILL);
  return failed;
}

int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

int clock_gettime(clockid_t clock, struct timespec *at) {
  static __typeof__(&clock_gettime) theirs;
  if (!theirs) theirs = REAL(clock_gettime);
  int failed = theirs(clock, at);
  if (!failed && control &&
      (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    at->tv_sec += control->clock_s;
  return failed;
}

int gettimeofday(struct timeval *at, void *zone) {
  struct timespec now;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &now);
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}
