#include "io/fiber.hpp"

#include <cxxabi.h>

#include <cstring>
#include <memory>
#include <string>

#include "io/loop.hpp"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

// The exceptions being handled on this thread (Itanium C++ ABI, 2.2.2). A fiber that waits inside
// a catch block must find its own list again, so each switch swaps it.
namespace __cxxabiv1 {
struct __cxa_eh_globals {
  void* caught;
  unsigned int uncaught;
};
}  // namespace __cxxabiv1

namespace cleave::io {
namespace {

thread_local Fiber* running = nullptr;

// Boost wants an allocator; the stack is ours already, and outlives the context.
struct Borrowed {
  boost::context::stack_context allocate() { return {}; }
  void deallocate(boost::context::stack_context&) noexcept {}
};

// Read through a call, so that the compiler does not keep the address over a switch: whoever
// destroys a loop ends its idle fibers, and the thread that ran them is gone by then.
// __cxa_get_globals() is declared const; were this as well, two calls would be one again.
__attribute__((noinline)) __cxxabiv1::__cxa_eh_globals& eh_globals() {
  asm volatile("");
  return *abi::__cxa_get_globals();
}

}  // namespace

void Label::set(std::string_view text) noexcept {
  const std::size_t size = std::min(text.size(), kWords * 8 - 1);
  for (std::size_t at = 0, word = 0; word < kWords; ++word, at += 8) {
    std::uint64_t value = 0;
    if (at < size) std::memcpy(&value, text.data() + at, std::min<std::size_t>(8, size - at));
    words_[word].store(value, std::memory_order_relaxed);
    if (at >= size) break;
  }
}

void Label::copy(char (&to)[kWords * 8 + 1]) const noexcept {
  for (std::size_t word = 0; word < kWords; ++word) {
    const std::uint64_t value = words_[word].load(std::memory_order_relaxed);
    std::memcpy(to + word * 8, &value, 8);
  }
  to[kWords * 8] = '\0';
}

std::string Label::text() const {
  char bytes[kWords * 8 + 1];
  copy(bytes);
  return bytes;
}

Fiber* Fiber::current() noexcept {
  return running;
}

Fiber::Fiber(Loop& loop) : loop_(loop) {
  boost::context::stack_context where;
  where.sp = stack_.top();
  where.size = Stack::size();
  inside_ = boost::context::fiber(
      std::allocator_arg, boost::context::preallocated(where.sp, where.size, where), Borrowed(),
      [this](boost::context::fiber&& back) { return main(std::move(back)); });
#if defined(__SANITIZE_THREAD__)
  tsan_fiber_ = __tsan_create_fiber(0);
#endif
}

Fiber::~Fiber() {
  quit_ = true;
  if (inside_) resume();  // idle in main(): lets it return, so that its frames end properly
#if defined(__SANITIZE_THREAD__)
  __tsan_destroy_fiber(tsan_fiber_);
#endif
}

void Fiber::resume() {
  Fiber* const outer = running;
  const __cxxabiv1::__cxa_eh_globals saved = eh_globals();
  running = this;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&asan_loop_, stack_.bottom(), Stack::size());
#endif
#if defined(__SANITIZE_THREAD__)
  tsan_loop_ = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(tsan_fiber_, 0);
#endif
  inside_ = std::move(inside_).resume();
#if defined(__SANITIZE_THREAD__)
  // Here, not on the fiber's side before it switches: so each function's entry and exit are
  // counted on the same shadow stack, also when the fiber ends and its frames return.
  __tsan_switch_to_fiber(tsan_loop_, 0);
#endif
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(asan_loop_, nullptr, nullptr);
#endif
  running = outer;
  eh_globals() = saved;
}

void Fiber::suspend() {
  const __cxxabiv1::__cxa_eh_globals saved = eh_globals();
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&asan_fiber_, loop_bottom_, loop_size_);
#endif
  back_ = std::move(back_).resume();
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(asan_fiber_, &loop_bottom_, &loop_size_);
#endif
  eh_globals() = saved;
}

boost::context::fiber Fiber::main(boost::context::fiber&& back) {
  back_ = std::move(back);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &loop_bottom_, &loop_size_);
#endif
  while (!quit_) {
    task_();
    task_ = nullptr;
    context = nullptr;
    loop_.recycle(*this);
    suspend();
  }
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(nullptr, loop_bottom_, loop_size_);  // null: this stack ends here
#endif
  return std::move(back_);
}

}  // namespace cleave::io
