// What a fiber's stack leaves behind.
#include "io/stack.hpp"

#include <doctest/doctest.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>

namespace cleave::io {

// Once in ten runs of these tests AddressSanitizer reported a "stack-buffer-underflow" for a
// thread's own thread-locals: they lay where a fiber's stack had been, and the last frames of that
// fiber, which had switched away and never returned, were poisoned still.
TEST_CASE("memory that was a stack is poisoned no longer") {
  char* top = nullptr;
  {
    const Stack stack;
    top = static_cast<char*>(stack.top());
    __asan_poison_memory_region(top - 608, 32);  // as a frame does that never returns
    REQUIRE(__asan_address_is_poisoned(top - 608));
  }
  CHECK(__asan_region_is_poisoned(top - Stack::size(), Stack::size()) == nullptr);
}

}  // namespace cleave::io
#endif
