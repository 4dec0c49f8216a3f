/* Counts fsync and fdatasync into a shared file and waits a little in each. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static long *counter;
static long delay_us;

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("BENCH_FSYNCS"), *delay = getenv("BENCH_FSYNC_US");
  delay_us = delay ? atol(delay) : 0;
  int file = path ? open(path, O_RDWR) : -1;
  if (file < 0) return;
  void *mapped =
      mmap(0, sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapped != MAP_FAILED) counter = mapped;
  close(file);
}

static int counted(const char *name, int file) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  if (counter) __sync_fetch_and_add(counter, 1);
  if (delay_us) usleep(delay_us);
  return real(file);
}

int fsync(int file) { return counted("fsync", file); }
int fdatasync(int file) { return counted("fdatasync", file); }
