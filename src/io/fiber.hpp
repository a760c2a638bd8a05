// Fiber: a stack on which one task after another runs and may wait.
//
// Fibers belong to one Loop and never leave its thread, so data of one loop needs no lock. The
// loop resumes a fiber; the fiber suspends back to the loop; nothing else switches stacks.
// AddressSanitizer and ThreadSanitizer are told of each switch, and the C++ runtime's list of
// caught exceptions is kept per fiber: waiting inside a catch block is legal.
#pragma once

#include <atomic>
#include <boost/context/fiber.hpp>
#include <cstdint>
#include <functional>
#include <string_view>

#include "io/stack.hpp"

namespace cleave::io {

class Loop;

/// What the watchdog reads from another thread: a short text in relaxed atomic words.
class Label {
 public:
  void set(std::string_view text) noexcept;
  std::string text() const;
  /// Copies it with its NUL. Async-signal-safe: a crash reporter reads it.
  static constexpr std::size_t kWords = 12;
  void copy(char (&to)[kWords * 8 + 1]) const noexcept;

 private:
  std::atomic<std::uint64_t> words_[kWords] = {};
};

class Fiber {
 public:
  /// The fiber that runs on this thread; null on the loop's own stack and outside loops.
  static Fiber* current() noexcept;

  /// Back to the loop, until somebody makes this fiber ready again. Prefer Waiter (wait.hpp).
  void suspend();

  /// Whether a fault at `address` means that this fiber has used up its stack. Async-signal-safe.
  bool overflowed_at(const void* address) const noexcept { return stack_.guards(address); }

  /// Whatever the layer above wants to find again in nested calls: the router's call context.
  /// Children of gather() inherit it.
  void* context = nullptr;
  Label label;  // module and route, for the watchdog

 private:
  friend class Loop;
  explicit Fiber(Loop& loop);
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber();

  void resume();  // loop side
  boost::context::fiber main(boost::context::fiber&& back);

  Loop& loop_;
  Stack stack_;
  std::function<void()> task_;
  boost::context::fiber inside_;  // valid while suspended
  boost::context::fiber back_;    // valid while running
  Fiber* next_ = nullptr;         // in the loop's ready queue or free list
  bool quit_ = false;
  bool ends_ = false;  // out of the free list, about to be destroyed
  // Sanitizers' handles; unused in a plain build.
  void* asan_fiber_ = nullptr;
  void* asan_loop_ = nullptr;
  const void* loop_bottom_ = nullptr;
  std::size_t loop_size_ = 0;
  void* tsan_fiber_ = nullptr;
  void* tsan_loop_ = nullptr;
};

}  // namespace cleave::io
