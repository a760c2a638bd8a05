// A machine without NGINX, and an installation without its configuration, as the host's image is.
#include <doctest/doctest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>

#include "support/without.hpp"
#include "up/running.hpp"

namespace cleave::test {
namespace {

/// In one line, before anything is begun.
void check_refused(const std::string& partition, std::string_view begins) {
  CAPTURE(partition);
  const OpenTempDir directory;
  Running system(partition, directory / "data");
  const auto code = system.process.wait();
  const std::string log = system.process.err();
  CAPTURE(log);
  CHECK(code == 69);
  CHECK(log.starts_with(begins));
  CHECK(log.find("`cleave up fused`") != std::string::npos);
  CHECK(std::count(log.begin(), log.end(), '\n') == 1);
  CHECK_FALSE(std::filesystem::exists(directory / "data"));
  CHECK(processes_with(directory.path().string()).empty());
}

}  // namespace

TEST_CASE("without NGINX, split is refused in one line and nothing is left; fused needs none") {
  const bool ours = std::filesystem::exists("/usr/local/sbin/nginx");
  const bool hidden = !ours && without({"/usr/sbin/nginx"}, [] {
    for (const char* partition : {"split", "user+product,order"}) {
      check_refused(partition, "cleave: NGINX is not installed: sudo apt-get install nginx-light");
    }
    const OpenTempDir directory;
    Running fused("fused", directory / "data");
    CHECK(fused.wait_until_serving());
    CHECK(fused.status("GET", "/users") == 200);
    CHECK(fused.stops(SIGTERM));
  });
  if (!hidden) MESSAGE("skipped: only root can hide a program, and NGINX must be Debian's");
}

TEST_CASE("without the gateway's configuration, split is refused in one line and nothing is left") {
  const auto bin = std::filesystem::path(CLEAVE_TEST_PROGRAM).parent_path();
  const bool hidden = without({bin.parent_path() / "gateway"}, [] {
    check_refused("split", "cleave: the gateway's configuration is not at ");
  });
  if (!hidden) MESSAGE("skipped: only root can hide a folder");
}

}  // namespace cleave::test
