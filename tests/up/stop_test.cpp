// How cleave up ends when somebody is in a hurry.
#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "up/running.hpp"

namespace cleave::test {

TEST_CASE("a second Ctrl-C does not wait for requests in hand, and leaves no process behind") {
  using Clock = std::chrono::steady_clock;
  const OpenTempDir directory;
  Running system("split", directory / "data");
  REQUIRE(system.wait_until_serving());
  const std::vector<pid_t> all = descendants(system.process.pid());
  system.signal("user", SIGSTOP);
  HttpClient client(system.front());
  client.send("GET /users HTTP/1.1\r\nHost: localhost\r\n\r\n");  // nobody will answer
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  system.process.signal(SIGINT);
  REQUIRE(system.process.wait_for_log("a second signal ends at once"));
  CHECK_FALSE(system.process.wait(HostProcess::Millis(1000)).has_value());
  const auto second = Clock::now();
  system.process.signal(SIGINT);
  const auto code = system.process.wait();
  INFO(system.process.err());
  CHECK(code == 1);
  CHECK(Clock::now() - second < std::chrono::seconds(5));  // a drain would have taken ten
  CHECK(system.process.err().find("ended at once, with requests still in hand") !=
        std::string::npos);
  CHECK(all_end(all));
  CHECK_FALSE(std::filesystem::exists("/tmp/cleave-" + std::to_string(geteuid()) + "-host-" +
                                      std::to_string(system.process.pid())));
}

}  // namespace cleave::test
