#include "tidy/tree.hpp"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <set>

namespace cleave::tidy {
namespace {

namespace fs = std::filesystem;

bool is_text(const fs::path& file) {
  static const std::set<std::string> kinds = {".cpp", ".hpp",  ".c",   ".h",   ".md",
                                              ".txt", ".sql",  ".py",  ".lua", ".cmake",
                                              ".js",  ".json", ".css", ".yml", ".html"};
  return kinds.contains(file.extension().string()) || file.filename() == "dev";
}

bool is_code(const fs::path& file) {
  static const std::set<std::string> kinds = {".cpp", ".hpp", ".c", ".h"};
  return kinds.contains(file.extension().string());
}

bool is_skipped(const std::string& path) {
  return path == ".git" || path == "build" || path == "tests/tidy/fixtures";
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// Walks over C++ text and says of each character whether it is code.
class Blanker {
 public:
  std::string line(const std::string& text) {
    std::string out(text.size(), ' ');
    for (std::size_t i = 0; i < text.size();) i = step(text, i, out);
    return out;
  }

 private:
  std::size_t step(const std::string& text, std::size_t i, std::string& out) {
    if (!closing_.empty()) {  // inside a comment or a raw string that may go on over lines
      const std::size_t end = text.find(closing_, i);
      if (end == std::string::npos) return text.size();
      const std::size_t after = end + closing_.size();
      closing_.clear();
      return after;
    }
    if (text.compare(i, 2, "//") == 0) return text.size();
    if (text.compare(i, 2, "/*") == 0) {
      closing_ = "*/";
      return i + 2;
    }
    if (text.compare(i, 2, "R\"") == 0) {
      const std::size_t open = text.find('(', i);
      if (open == std::string::npos) return text.size();
      closing_ = ")" + text.substr(i + 2, open - i - 2) + "\"";
      return open + 1;
    }
    const bool separator = text[i] == '\'' && i > 0 && is_word(text[i - 1]);  // 1'000
    if ((text[i] == '"' || text[i] == '\'') && !separator) return skip_literal(text, i, out);
    out[i] = text[i];
    return i + 1;
  }

  static std::size_t skip_literal(const std::string& text, std::size_t i, std::string& out) {
    const char quote = text[i];
    out[i] = quote;
    for (++i; i < text.size() && text[i] != quote; ++i) {
      if (text[i] == '\\') ++i;
    }
    if (i < text.size()) out[i] = quote;
    return i + 1;
  }

  std::string closing_;
};

std::vector<std::string> read_lines(const fs::path& file) {
  std::vector<std::string> lines;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

}  // namespace

const SourceFile* Tree::find(std::string_view path) const {
  const auto found = std::find_if(files.begin(), files.end(),
                                  [&](const SourceFile& file) { return file.path == path; });
  return found == files.end() ? nullptr : &*found;
}

std::vector<std::string> Tree::folders(std::string_view folder) const {
  std::vector<std::string> names;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(root / folder, none)) {
    if (entry.is_directory()) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Tree read_tree(const fs::path& root) {
  Tree tree{.root = root, .files = {}};
  for (auto at = fs::recursive_directory_iterator(root); at != fs::end(at); ++at) {
    std::string path = at->path().lexically_relative(root).generic_string();
    if (is_skipped(path)) {
      at.disable_recursion_pending();
      continue;
    }
    // A link is somebody else's file: ./dev links compile_commands.json out of the build folder.
    if (at->is_symlink() || !at->is_regular_file() || !is_text(path)) continue;
    SourceFile file{.path = std::move(path), .lines = read_lines(at->path()), .code = {}};
    if (is_code(file.path)) file.code = blank_literals(file.lines);
    tree.files.push_back(std::move(file));
  }
  std::sort(tree.files.begin(), tree.files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return tree;
}

std::vector<std::string> blank_literals(const std::vector<std::string>& lines) {
  Blanker blanker;
  std::vector<std::string> code;
  for (const std::string& line : lines) {
    const bool include = line.starts_with("#include");  // its name is what the rules read
    code.push_back(include ? line : blanker.line(line));
  }
  return code;
}

std::size_t find_word(std::string_view line, std::string_view word) {
  for (std::size_t at = line.find(word); at != std::string_view::npos;
       at = line.find(word, at + 1)) {
    if (at == 0 || !is_word(line[at - 1])) return at;
  }
  return std::string_view::npos;
}

}  // namespace cleave::tidy
