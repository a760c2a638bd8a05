// Started by root, NGINX works as somebody who may do nothing but ask the hosts.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <thread>

#include "up/running.hpp"

namespace cleave::test {
namespace {

/// Real, effective, saved and file system user of a process; of all its groups for "Groups:".
std::vector<unsigned> ids(pid_t pid, const std::string& key) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  std::vector<unsigned> found;
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(key)) continue;
    std::istringstream numbers(line.substr(key.size()));
    for (unsigned id = 0; numbers >> id;) found.push_back(id);
  }
  return found;
}

struct stat of(const std::string& file) {
  struct stat info = {};
  REQUIRE(stat(file.c_str(), &info) == 0);
  return info;
}

/// Longer than the gateway keeps in memory: its worker writes it into a file.
std::string long_body() {
  return R"({"name":")" + std::string(300000, 'x') + R"(","email":"a@example.org"})";
}

}  // namespace

TEST_CASE("no worker of the gateway is root, and all that it routes answers") {
  if (geteuid() != 0) {
    MESSAGE("skipped: only root's gateway has workers of another user");
    return;
  }
  const mode_t before = umask(077);  // the strictest: whatever must be open is opened
  const OpenTempDir directory;
  Running system("split", directory / "data");
  umask(before);
  REQUIRE(system.wait_until_serving());
  const std::vector<pid_t> workers = descendants(system.pid("gateway"));
  REQUIRE(!workers.empty());
  for (const pid_t worker : workers) {
    for (const char* key : {"Uid:", "Gid:", "Groups:"}) {
      for (const unsigned id : ids(worker, key)) CHECK(id != 0);
    }
  }
  const std::string sockets = "/tmp/cleave-0-host-" + std::to_string(system.process.pid());
  for (const std::string name : {"user", "product", "order"}) {
    CHECK(system.status("GET", "/" + name + "s") == 200);
    const struct stat asked = of(sockets + "/front/" + name + ".sock");
    CHECK((asked.st_mode & 0777) == 0660);
    CHECK(asked.st_gid == ids(workers.front(), "Gid:").front());
    CHECK((of(sockets + "/" + name + ".admin").st_mode & 0077) == 0);
  }
  CHECK((of(sockets).st_mode & 0777) == 0710);
  CHECK((of(sockets + "/front").st_mode & 0777) == 0710);
  const int refused = system.status("POST", "/users", long_body());
  CHECK(refused >= 400);
  CHECK(refused < 500);
  system.signal("order", SIGKILL);  // its socket is made anew
  REQUIRE(system.process.wait_for_log("\"started again\""));
  CHECK(system.answers("/orders"));
  CHECK(system.stops(SIGTERM));
}

}  // namespace cleave::test
