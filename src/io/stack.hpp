// Stacks for fibers: mapped, with a guard page below, so that an overflow faults at once.
#pragma once

#include <atomic>
#include <cstddef>

namespace cleave::io {

/// One mapping: [guard page][usable bytes]. Owned; unmapped when destroyed. Only touched pages
/// cost memory. Throws std::bad_alloc when there are most() already or the kernel has no room.
class Stack {
 public:
  Stack();
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  ~Stack();

  void* top() const noexcept { return base_ + kGuard + kUsable; }
  void* bottom() const noexcept { return base_ + kGuard; }
  static constexpr std::size_t size() noexcept { return kUsable; }

  /// How many may exist in this process at once. The kernel counts two mappings for each and
  /// allows vm.max_map_count of all kinds (proc(5)); the default leaves a quarter of them to
  /// malloc, which has no way to answer 503. From any thread; those that exist stay.
  static std::size_t most() noexcept { return most_.load(std::memory_order_relaxed); }
  static void set_most(std::size_t count) noexcept { most_.store(count); }

  /// Whether `address` lies in the guard page.
  bool guards(const void* address) const noexcept {
    const char* byte = static_cast<const char*>(address);
    return byte >= base_ && byte < base_ + kGuard;
  }

 private:
  static constexpr std::size_t kGuard = 4096;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  static constexpr std::size_t kUsable =
      1024 * 1024;  // instrumented frames are several times wider
#else
  static constexpr std::size_t kUsable = 256 * 1024;
#endif
  static std::atomic<std::size_t> most_;
  static std::atomic<std::size_t> count_;
  char* base_;
};

}  // namespace cleave::io
