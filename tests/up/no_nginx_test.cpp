// A machine without NGINX.
#include <doctest/doctest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "up/running.hpp"

namespace cleave::test {
namespace {

/// Covers the program, for this process and its children only. `cleave` looks in Debian's sbin
/// whatever PATH says, as that lacks it for most users.
class Hidden {
 public:
  explicit Hidden(std::string file) : file_(std::move(file)) {
    hidden_ = unshare(CLONE_NEWNS) == 0 &&
              mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
              mount("/dev/null", file_.c_str(), nullptr, MS_BIND, nullptr) == 0;
  }
  Hidden(const Hidden&) = delete;
  Hidden& operator=(const Hidden&) = delete;
  ~Hidden() {
    if (hidden_) umount2(file_.c_str(), MNT_DETACH);
  }
  explicit operator bool() const noexcept { return hidden_; }

 private:
  std::string file_;
  bool hidden_;
};

}  // namespace

TEST_CASE("without NGINX, split is refused in one line and nothing is left; fused needs none") {
  const Hidden nginx("/usr/sbin/nginx");
  if (!nginx || std::filesystem::exists("/usr/local/sbin/nginx")) {
    MESSAGE("skipped: only root can hide a program, and NGINX must be Debian's");
    return;
  }
  const OpenTempDir directory;
  for (const char* partition : {"split", "user+product,order"}) {
    CAPTURE(partition);
    Running system(partition, directory / "data");
    const auto code = system.process.wait();
    const std::string log = system.process.err();
    CAPTURE(log);
    CHECK(code == 69);
    CHECK(log.starts_with("cleave: NGINX is not installed: sudo apt-get install nginx-light"));
    CHECK(log.find("`cleave up fused`") != std::string::npos);
    CHECK(std::count(log.begin(), log.end(), '\n') == 1);
    CHECK_FALSE(std::filesystem::exists(directory / "data"));
    CHECK(processes_with(directory.path().string()).empty());
  }
  Running fused("fused", directory / "data");
  REQUIRE(fused.wait_until_serving());
  CHECK(fused.status("GET", "/users") == 200);
  CHECK(fused.stops(SIGTERM));
}

}  // namespace cleave::test
