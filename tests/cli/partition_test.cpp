// Which modules share a process, from words.
#include "cli/partition.hpp"

#include <doctest/doctest.h>

#include <array>

namespace cleave::cli {
namespace {

const char* const kNone[] = {nullptr};
const char* const kBoth[] = {"user", "product", nullptr};

cleave_module manifest(const char* name, const char* const* depends_on) {
  cleave_module module = {};
  module.name = name;
  module.depends_on = depends_on;
  return module;
}

/// As the loader sorts them.
std::vector<loader::Library> shop() {
  static const std::array modules = {manifest("product", kNone), manifest("user", kNone),
                                     manifest("order", kBoth)};
  std::vector<loader::Library> libraries;
  for (const cleave_module& module : modules) libraries.push_back({"", &module});
  return libraries;
}

std::string parsed(std::string_view text) {
  std::string names;
  for (const Group& group : parse_partition(text, shop())) {
    names += (names.empty() ? "" : ",") + group.name();
  }
  return names;
}

std::string refusal(std::string_view text) {
  try {
    return "accepted: " + parsed(text);
  } catch (const BadPartition& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("fused is one process, split one a module") {
  CHECK(parsed("fused") == "product+user+order");
  CHECK(parsed("split") == "product,user,order");
}

TEST_CASE("groups come dependencies first, in whatever order they are written") {
  CHECK(parsed("order,user+product") == "product+user,order");
  CHECK(parsed("order+user,product") == "product,user+order");
  CHECK(parsed("product+order,user") == "user,product+order");
  CHECK(parsed("order,product,user") == "product,user,order");
  CHECK(parsed("order+user+product") == "product+user+order");
}

TEST_CASE("an unknown module is refused, with the one that was meant") {
  CHECK(refusal("user+produkt,order") ==
        "the partition names produkt, which is no module here; did you mean product?; there is "
        "product, user, order");
  CHECK(refusal("fusd").find("fusd, which is no module here") != std::string::npos);
}

TEST_CASE("a module that is named twice is refused") {
  CHECK(refusal("user+product,user,order") ==
        "the partition names user twice; each module runs in one group");
  CHECK(refusal("user+user,product,order").find("user twice") != std::string::npos);
}

TEST_CASE("a module that is left out is refused, with who depends on it") {
  CHECK(refusal("user,order") ==
        "the partition leaves out product, on which depends order; add it to a group, or as a "
        "group of its own: \"…,product\"");
  CHECK(refusal("user+product").find("leaves out order; add it") != std::string::npos);
}

TEST_CASE("an empty group or name is refused") {
  for (const char* text : {"", ",", "user,,order", "user+,order", "+user", "user,order,"}) {
    CAPTURE(text);
    CHECK(refusal(text).find("has an empty group or name") != std::string::npos);
  }
}

TEST_CASE("of no modules at all, every name is unknown") {
  CHECK_THROWS_AS(parse_partition("user", {}), BadPartition);
}

}  // namespace cleave::cli
