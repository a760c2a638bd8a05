#include "io/stack.hpp"

#include <sys/mman.h>

#include <fstream>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace cleave::io {

namespace {

std::size_t most_by_mappings() {
  std::size_t mappings = 65530;  // the kernel's own default
  std::ifstream("/proc/sys/vm/max_map_count") >> mappings;
  return mappings / 8 * 3;
}

}  // namespace

std::atomic<std::size_t> Stack::most_{most_by_mappings()};
std::atomic<std::size_t> Stack::count_{0};

Stack::Stack() {
  if (count_.fetch_add(1) >= most()) {
    count_.fetch_sub(1);
    throw std::bad_alloc();
  }
  void* map = mmap(nullptr, kGuard + kUsable, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  const bool mapped = map != MAP_FAILED;
  base_ = static_cast<char*>(map);
  if (mapped && mprotect(base_ + kGuard, kUsable, PROT_READ | PROT_WRITE) == 0) return;
  if (mapped) munmap(base_, kGuard + kUsable);
  count_.fetch_sub(1);
  throw std::bad_alloc();
}

Stack::~Stack() {
#if defined(__SANITIZE_ADDRESS__)
  // The frames that switched away for the last time never returned and are poisoned still. munmap
  // leaves that, and so does gcc 12 when it starts a thread whose thread-locals come to lie here.
  __asan_unpoison_memory_region(base_ + kGuard, kUsable);
#endif
  munmap(base_, kGuard + kUsable);
  count_.fetch_sub(1);
}

}  // namespace cleave::io
