// The public headers are a promise: each stands alone, and all of them can be read in an hour.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "support/temp_dir.hpp"

namespace fs = std::filesystem;

namespace {

const fs::path kInclude = fs::path(__FILE__).parent_path() / "../../include";

bool compiles(const fs::path& header) {
  const bool c = header.extension() == ".h";
  const std::string command = std::string(c ? "cc -std=c11 -x c" : "c++ -std=c++20 -x c++") +
                              " -Wall -Wextra -pedantic-errors -fsyntax-only -I '" +
                              kInclude.string() + "' '" + header.string() + "' 2>/dev/null";
  return std::system(command.c_str()) == 0;
}

int lines(const fs::path& file) {
  std::ifstream in(file);
  int count = 0;
  for (std::string line; std::getline(in, line);) ++count;
  return count;
}

}  // namespace

TEST_CASE("every public header compiles alone, C headers as C11, and is short") {
  int seen = 0;
  for (const auto& entry : fs::directory_iterator(kInclude / "cleave")) {
    CAPTURE(entry.path().string());
    CHECK(compiles(entry.path()));
    CHECK(lines(entry.path()) <= 150);
    ++seen;
  }
  CHECK(seen == 8);
}

TEST_CASE("a C header that only C++ understands would be noticed") {
  const cleave::test::TempDir dir;
  std::ofstream(dir / "bad.h") << "namespace no_c {}\n";
  std::ofstream(dir / "bad.hpp") << "inline std::string needs_an_include();\n";
  CHECK_FALSE(compiles(dir / "bad.h"));
  CHECK_FALSE(compiles(dir / "bad.hpp"));
}
