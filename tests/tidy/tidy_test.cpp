// The rules of the house, kept by a test: the sources break none of them, and each rule rejects
// the small tree made to break it, so that none of them can fall asleep.
#include <doctest/doctest.h>

#include <algorithm>

#include "tidy/rules.hpp"

namespace cleave::tidy {

const std::vector<Rule>& rules() {
  static const std::vector<Rule> all = {
      {"floors", check_floors},
      {"libraries", check_libraries},
      {"line_length", check_line_length},
      {"function_length", check_function_length},
      {"file_length", check_file_length},
      {"banned_calls", check_banned_calls},
      {"static_objects", check_static_objects},
      {"headers", check_headers},
      {"using_namespace", check_using_namespace},
      {"machine_paths", check_machine_paths},
      {"unfinished", check_unfinished},
      {"module_readme", check_module_readme},
      {"module_files", check_module_files},
      {"readme_languages", check_readme_languages},
  };
  return all;
}

namespace {

const std::filesystem::path kFixtures =
    std::filesystem::path(CLEAVE_SOURCE_DIR) / "tests" / "tidy" / "fixtures";

std::string sentence(const Finding& finding) {
  const std::string line = finding.line > 0 ? ":" + std::to_string(finding.line) : "";
  return finding.path + line + ": " + finding.what;
}

}  // namespace

TEST_CASE("the sources keep every rule of the house") {
  const Tree tree = read_tree(CLEAVE_SOURCE_DIR);
  REQUIRE(tree.files.size() > 100);  // it was the repository that we read
  for (const Rule& rule : rules()) {
    for (const Finding& finding : rule.check(tree)) {
      FAIL_CHECK(rule.name << ": " << sentence(finding));
    }
  }
}

TEST_CASE("each rule rejects what it is there for, and nothing else of its fixture") {
  for (const Rule& rule : rules()) {
    CAPTURE(rule.name);
    REQUIRE(std::filesystem::is_directory(kFixtures / rule.name));
    const Tree tree = read_tree(kFixtures / rule.name);
    const auto findings = rule.check(tree);
    CHECK_FALSE(findings.empty());
    for (const Finding& finding : findings) {
      CAPTURE(sentence(finding));
      // What is well done in a fixture is named so, and must pass.
      CHECK(finding.path.find("good") == std::string::npos);
      CHECK(finding.what.size() > 10);
    }
  }
}

TEST_CASE("a fixture of a rule that is gone does not stay behind") {
  for (const auto& entry : std::filesystem::directory_iterator(kFixtures)) {
    const std::string name = entry.path().filename().string();
    CAPTURE(name);
    CHECK(std::any_of(rules().begin(), rules().end(),
                      [&](const Rule& rule) { return rule.name == name; }));
  }
}

TEST_CASE("comments and literals are not code, also over several lines") {
  const std::vector<std::string> code = blank_literals({
      "int a = 1'000;  // sleep(1)",
      "const char* s = \"{ \\\" } sleep(\"; char c = '{';",
      "auto r = R\"(sleep(",
      "{ ) \" still)\"; int b; /* sleep(",
      "*/ int d;",
  });
  CHECK(code[0] == "int a = 1'000;             ");
  CHECK(code[1].find("sleep") == std::string::npos);
  CHECK(code[1].find('{') == std::string::npos);
  CHECK(code[2].find("sleep") == std::string::npos);
  CHECK(code[3].find('{') == std::string::npos);
  CHECK(find_word(code[3], "int b;") != std::string::npos);
  CHECK(find_word(code[4], "int d;") != std::string::npos);
}

}  // namespace cleave::tidy
