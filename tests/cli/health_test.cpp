// cleave health: what a container's health check is told.
#include <doctest/doctest.h>

#include "cli/program.hpp"

namespace cleave::test {

TEST_CASE("health tells a host that is ready from one that is not and from none") {
  {
    HostProcess ready(run_arguments(shared_data()));
    REQUIRE(ready.wait_until_serving());
    const Ended well = run_program({"health", "--listen", ready.address().substr(7)});
    INFO(well.err);
    CHECK(well.code == 0);
  }
  const OpenTempDir directory;
  const std::string socket = "unix:" + (directory / "host.sock").string();
  HostProcess waiting({"run", "--admin-listen", "off", "--log-format", "json", "--listen", socket},
                      nobody_listens());
  REQUIRE(waiting.wait_until_serving());
  const Ended not_ready = run_program({"health", "--listen", socket});
  CHECK(not_ready.code == 1);
  CHECK(not_ready.out.find("not-ready") != std::string::npos);

  const Ended nobody = run_program({"health", "--listen", "127.0.0.1:1"});
  CHECK(nobody.code == 1);
  CHECK(nobody.err == "nobody answers at 127.0.0.1:1\n");
}

}  // namespace cleave::test
