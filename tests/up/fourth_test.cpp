// A fourth module in the module directory: all fifteen partitions, and not a line of code for it.
#include <doctest/doctest.h>
#include <signal.h>

#include "up/running.hpp"

namespace cleave::test {
namespace {

namespace fs = std::filesystem;
using Groups = std::vector<std::vector<std::string>>;

/// Every way to put `modules` into groups: each next one joins a group, or makes its own.
std::vector<Groups> partitions_of(const std::vector<std::string>& modules) {
  std::vector<Groups> all{{}};
  for (const std::string& module : modules) {
    std::vector<Groups> longer;
    for (const Groups& groups : all) {
      for (std::size_t i = 0; i < groups.size(); ++i) {
        longer.push_back(groups);
        longer.back()[i].push_back(module);
      }
      longer.push_back(groups);
      longer.back().push_back({module});
    }
    all = std::move(longer);
  }
  return all;
}

std::string text_of(const Groups& groups) {
  std::string text;
  for (const auto& group : groups) {
    if (!text.empty()) text += ",";
    for (std::size_t i = 0; i < group.size(); ++i) text += (i == 0 ? "" : "+") + group[i];
  }
  return text;
}

}  // namespace

TEST_CASE("with a fourth module, all fifteen partitions serve") {
  const OpenTempDir directory;
  fs::copy(CLEAVE_MODULE_DIR, directory / "modules", fs::copy_options::recursive);
  fs::copy(CLEAVE_FOURTH_MODULE, directory / "modules");
  const auto all = partitions_of({"user", "product", "order", "review"});
  REQUIRE(all.size() == 15);
  for (const Groups& groups : all) {
    const std::string partition = text_of(groups);
    CAPTURE(partition);
    Running system(partition, directory / "data",
                   {"--module-dir", (directory / "modules").string()});
    REQUIRE(system.wait_until_serving());
    CHECK(system.names().size() == groups.size() + (groups.size() > 1 ? 1 : 0));
    for (const char* path : {"/users", "/products", "/orders"}) {
      CHECK(system.status("GET", path) == 200);
    }
    CHECK(ask_at(system.front(), "GET", "/reviews").body == "users answered 200");
    CHECK(system.stops(SIGTERM));
  }
}

}  // namespace cleave::test
