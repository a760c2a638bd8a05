// A process that runs out of mappings: each fiber's stack takes two.
#include <doctest/doctest.h>
#include <sys/mman.h>

#include <algorithm>
#include <deque>
#include <fstream>

#include "world.hpp"

using namespace cleave;
using namespace cleave::test;

namespace {

/// While it lives the process can make few mappings more (vm.max_map_count): every other page of
/// one is protected in another way, which makes each a mapping of its own.
class FewMappings {
 public:
  explicit FewMappings(std::size_t left) : pages_(most() + 2) {
    void* const all = mmap(nullptr, pages_ * kPage, PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    REQUIRE(all != MAP_FAILED);
    base_ = static_cast<char*>(all);
    std::size_t made = 0;
    while (made < pages_ && mprotect(base_ + made * kPage, kPage, PROT_READ) == 0) made += 2;
    const std::size_t kept = made - std::min(made, left);
    munmap(base_ + kept * kPage, (pages_ - kept) * kPage);
    pages_ = kept;
  }
  ~FewMappings() { munmap(base_, pages_ * kPage); }

 private:
  static constexpr std::size_t kPage = 4096;
  static std::size_t most() {
    std::size_t count = 65530;
    std::ifstream("/proc/sys/vm/max_map_count") >> count;
    return count;
  }
  std::size_t pages_;
  char* base_ = nullptr;
};

}  // namespace

// Sanitizers need mappings of their own, and end the process when there are none.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

TEST_CASE("when no stack is to be had a request gets 503, and the process goes on" *
          doctest::skip(kSanitized)) {
  World world({}, 1);
  std::deque<Client> clients;
  for (int i = 0; i < 100; ++i) clients.emplace_back(world.server.address());
  int served = 0, refused = 0;
  {
    const FewMappings few(80);  // a stack and its guard page are two
    for (Client& one : clients) one.send("GET /slow?500 HTTP/1.1\r\nHost: x\r\n\r\n");
    for (Client& one : clients) {
      const int status = one.answer().status;
      served += status == 200 ? 1 : 0;
      refused += status == 503 ? 1 : 0;
    }
  }
  CHECK(served > 10);
  CHECK(refused > 10);
  CHECK(served + refused == 100);
  CHECK(world.alive());
}
