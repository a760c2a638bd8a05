// A tree of sources, read once: what the house rules look at.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace cleave::tidy {

struct SourceFile {
  std::string path;                // from the root, with '/'
  std::vector<std::string> lines;  // as written
  std::vector<std::string> code;   // C and C++: the same lines, comments and literals blanked

  bool is_code() const { return !code.empty(); }
  bool is_header() const { return path.ends_with(".hpp") || path.ends_with(".h"); }
  bool under(std::string_view folder) const { return path.starts_with(folder); }
};

struct Tree {
  std::filesystem::path root;
  std::vector<SourceFile> files;  // sorted by path

  const SourceFile* find(std::string_view path) const;
  /// Names of the folders right below `folder`, sorted; empty when there is none.
  std::vector<std::string> folders(std::string_view folder) const;
};

/// Reads the text files below `root`, apart from builds, .git and the fixtures of these rules.
Tree read_tree(const std::filesystem::path& root);

/// The same number of lines, with comments and the insides of literals replaced by spaces.
std::vector<std::string> blank_literals(const std::vector<std::string>& lines);

/// Where `word` stands in `line` with no letter, digit or '_' before it; npos when nowhere.
std::size_t find_word(std::string_view line, std::string_view word);

}  // namespace cleave::tidy
