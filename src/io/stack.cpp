#include "io/stack.hpp"

#include <sys/mman.h>

#include <new>

namespace cleave::io {

Stack::Stack() {
  void* map = mmap(nullptr, kGuard + kUsable, PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (map == MAP_FAILED) throw std::bad_alloc();
  base_ = static_cast<char*>(map);
  if (mprotect(base_ + kGuard, kUsable, PROT_READ | PROT_WRITE) != 0) {
    munmap(base_, kGuard + kUsable);
    throw std::bad_alloc();
  }
}

Stack::~Stack() {
  munmap(base_, kGuard + kUsable);
}

}  // namespace cleave::io
