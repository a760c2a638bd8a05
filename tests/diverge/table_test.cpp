// docs/diverge.md lists what the cases of this folder assert, no more and no less.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>

namespace cleave::test {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// What stands between each `start` and the next `end`.
std::set<std::string> between(const std::string& text, std::string_view start,
                              std::string_view end) {
  std::set<std::string> all;
  for (std::size_t at = 0; (at = text.find(start, at)) != std::string::npos;) {
    at += start.size();
    all.insert(text.substr(at, text.find(end, at) - at));
  }
  return all;
}

/// The first cells of the rows of a table, without its head.
std::set<std::string> rows_of_table(const std::string& text) {
  std::set<std::string> rows = between(text, "\n| ", " |");
  rows.erase("What differs");
  return rows;
}

/// clang-format breaks a line before a long name.
std::set<std::string> cases_in(const std::string& text) {
  std::set<std::string> cases = between(text, "TEST_CASE(\"", "\")");
  cases.merge(between(text, "TEST_CASE(\n    \"", "\")"));
  return cases;
}

}  // namespace

TEST_CASE("the table of what differs has one row for each case") {
  std::set<std::string> cases;
  for (const char* file : {"diverge_test.cpp", "loss_test.cpp"}) {
    cases.merge(cases_in(text_of(fs::path(CLEAVE_SOURCE_DIR "/tests/diverge") / file)));
  }
  const std::set<std::string> rows = rows_of_table(text_of(CLEAVE_SOURCE_DIR "/docs/diverge.md"));
  REQUIRE(cases.size() >= 10);
  for (const std::string& one : cases) {
    INFO("docs/diverge.md has no row for the case \"", one, "\"");
    CHECK(rows.count(one) == 1);
  }
  for (const std::string& one : rows) {
    INFO("no case asserts the row \"", one, "\" of docs/diverge.md");
    CHECK(cases.count(one) == 1);
  }
}

TEST_CASE("a row and a case are read as what they are") {
  CHECK(rows_of_table("x\n| What differs | a |\n|---|---|\n| one thing | b |\n") ==
        std::set<std::string>{"one thing"});
  CHECK(cases_in("TEST_CASE(\n    \"one thing\") {") == std::set<std::string>{"one thing"});
}

}  // namespace cleave::test
