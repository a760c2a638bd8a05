#include <cctype>

#include "tidy/rules.hpp"

namespace cleave::tidy {
namespace {

constexpr std::size_t kColumns = 100;
constexpr std::size_t kFunctionLines = 70;
constexpr std::size_t kFileLines = 300;
constexpr std::size_t kSeamLines = 150;  // abi*.h is read by everyone who writes a module

/// Characters, not bytes: UTF-8 continuation bytes do not count.
std::size_t width(const std::string& line) {
  std::size_t characters = 0;
  for (const char c : line) characters += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1 : 0;
  return characters;
}

enum class Scope { container, function, other };

/// What a '{' opens, from the text since the last ';', '{' or '}'.
Scope scope_of(const std::string& head) {
  const std::size_t call = head.find('(');
  for (const char* word : {"namespace", "class", "struct", "union", "enum", "extern"}) {
    const std::size_t at = find_word(head, word);
    if (at < call) return Scope::container;
  }
  return call != std::string::npos ? Scope::function : Scope::other;
}

/// Finds functions by their braces: good enough for code that clang-format has laid out.
class FunctionLengths {
 public:
  explicit FunctionLengths(const SourceFile& file) : file_(file) {}

  std::vector<Finding> run() {
    for (line_ = 0; line_ < file_.code.size(); ++line_) {
      const std::string& line = file_.code[line_];
      if (line.starts_with("#")) continue;
      for (const char c : line) take(c);
      if (!head_.empty()) head_ += ' ';
    }
    return std::move(findings_);
  }

 private:
  void take(char c) {
    if (c == '{') return open();
    if (c == '}') return close();
    if (c == ';') return head_.clear();
    if (head_.empty()) {
      if (std::isspace(static_cast<unsigned char>(c)) != 0) return;
      began_ = line_;
    }
    head_ += c;
  }
  void open() {
    if (inside_ == 0 && scope_of(head_) == Scope::container) {
      ++containers_;
    } else {
      if (inside_ == 0) {
        function_ = scope_of(head_) == Scope::function;
        first_ = began_;
      }
      ++inside_;
    }
    head_.clear();
  }
  void close() {
    head_.clear();
    if (inside_ == 0) {
      if (containers_ > 0) --containers_;
      return;
    }
    if (--inside_ > 0 || !function_) return;
    const std::size_t length = line_ - first_ + 1;
    if (length <= kFunctionLines) return;
    findings_.push_back({file_.path, first_ + 1,
                         "a function of " + std::to_string(length) + " lines, " +
                             std::to_string(kFunctionLines) +
                             " are a screen: give its steps names of their own"});
  }

  const SourceFile& file_;
  std::vector<Finding> findings_;
  std::string head_;
  std::size_t line_ = 0, began_ = 0, first_ = 0, inside_ = 0, containers_ = 0;
  bool function_ = false;
};

}  // namespace

std::vector<Finding> check_line_length(const Tree& tree) {
  std::vector<Finding> findings;
  for (const SourceFile& file : tree.files) {
    const bool program = file.is_code() || file.path.ends_with("CMakeLists.txt") ||
                         file.path.ends_with(".cmake") || file.path.ends_with(".sql") ||
                         file.path.ends_with(".py");
    if (!program) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::size_t columns = width(file.lines[i]);
      if (columns <= kColumns) continue;
      findings.push_back({file.path, i + 1,
                          std::to_string(columns) + " columns, " + std::to_string(kColumns) +
                              " are allowed: run ./dev format, break long text by hand"});
    }
  }
  return findings;
}

std::vector<Finding> check_function_length(const Tree& tree) {
  std::vector<Finding> findings;
  for (const SourceFile& file : tree.files) {
    if (!file.is_code()) continue;
    for (Finding& finding : FunctionLengths(file).run()) findings.push_back(std::move(finding));
  }
  return findings;
}

std::vector<Finding> check_file_length(const Tree& tree) {
  std::vector<Finding> findings;
  for (const SourceFile& file : tree.files) {
    if (!file.is_code()) continue;
    const bool seam = file.under("include/cleave/abi");
    const std::size_t most = seam ? kSeamLines : kFileLines;
    if (file.lines.size() <= most) continue;
    findings.push_back({file.path, 0,
                        std::to_string(file.lines.size()) + " lines, " + std::to_string(most) +
                            " are allowed: one idea a file, move the second to its own"});
  }
  return findings;
}

}  // namespace cleave::tidy
