// Who may connect to a unix socket.
#include "http/listener.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "support/temp_dir.hpp"

namespace cleave::http {
namespace {

mode_t mode_of(const std::string& file) {
  struct stat info = {};
  REQUIRE(stat(file.c_str(), &info) == 0);
  return info.st_mode & 0777;
}

}  // namespace

TEST_CASE("a socket in a directory that is shared with a group can be used by the group") {
  const test::TempDir directory;
  const mode_t before = umask(022);
  const std::string file = directory / "a.sock";
  {
    const Listener listener("unix:" + file);
    CHECK(mode_of(file) == 0755);
  }
  REQUIRE(chmod(directory.path().c_str(), 02710) == 0);
  const Listener listener("unix:" + file);
  CHECK(mode_of(file) == 0660);
  umask(before);
}

}  // namespace cleave::http
