// --guard under cleave up: the module's process is a grandchild, and its crashes are its own
// affair.
#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <thread>

#include "up/running.hpp"

namespace cleave::test {
namespace {

/// The process that holds order, another one than `before`; -1 after 10 s.
pid_t process_of_order(const Running& system, pid_t before) {
  using namespace std::literals;
  for (int i = 0; i < 500; ++i) {
    const std::vector<pid_t> ours = descendants(system.process.pid());
    for (const pid_t pid : processes_with("--modules\0order"sv)) {
      if (pid != before && std::find(ours.begin(), ours.end(), pid) != ours.end()) return pid;
    }
    std::this_thread::sleep_for(20ms);
  }
  return -1;
}

}  // namespace

TEST_CASE("a guarded module comes back after a crash, and is quarantined at the third one") {
  const OpenTempDir directory;
  Running system("user,product+order", directory / "data", {"--guard", "order"});
  REQUIRE(system.wait_until_serving());
  pid_t pid = -1;
  for (int crash = 1; crash <= 3; ++crash) {
    pid = process_of_order(system, pid);
    REQUIRE(pid > 0);
    kill(pid, SIGKILL);
    for (const char* path : {"/products", "/users"}) CHECK(system.status("GET", path) == 200);
    if (crash < 3) REQUIRE(system.answers("/orders"));
  }
  REQUIRE(system.process.wait_for_log("crashed three times within a minute and is quarantined"));
  CHECK(system.status("GET", "/orders") == 503);
  for (const char* path : {"/products", "/users"}) CHECK(system.status("GET", path) == 200);
  CHECK(system.process.err().find("a process ended; it is started again") == std::string::npos);
  CHECK(system.stops(SIGTERM));
}

}  // namespace cleave::test
