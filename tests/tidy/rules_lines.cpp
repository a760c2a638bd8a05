#include <algorithm>

#include "tidy/rules.hpp"

namespace cleave::tidy {
namespace {

struct Banned {
  std::string word;
  std::string folder;                // where it is banned: paths begin with
  std::vector<std::string> allowed;  // but not here
  std::string remedy;
};

const std::vector<Banned>& banned() {
  static const std::vector<Banned> table = {
      {"PQexec(", "src/", {"src/supervise/"}, "it blocks the loop: use postgres::Session"},
      {"PQexecParams(", "src/", {"src/supervise/"}, "it blocks the loop: use postgres::Session"},
      {"PQconnectdb(", "src/", {"src/supervise/"}, "it blocks the loop: use postgres/connect.hpp"},
      {"PQreset(", "src/", {}, "it blocks: close, and connect by postgres/connect.hpp"},
      {"PQexec", "modules/", {}, "ask host.query()"},
      {"sleep(", "modules/", {}, "a handler must not hold its loop; wait by a host function"},
      {"usleep(", "modules/", {}, "a handler must not hold its loop; wait by a host function"},
      {"sleep_for(", "modules/", {}, "a handler must not hold its loop; wait by a host function"},
      {"std::thread", "modules/", {}, "a module starts no thread; use host.gather()"},
      {"std::regex",
       "",
       {},
       "it recurses on its input and overflows a fiber's stack: parse by hand"},
      {"printf(", "modules/", {}, "log by host.log()"},
      {"std::cout", "modules/", {}, "log by host.log()"},
      {"std::cerr", "modules/", {}, "log by host.log()"},
      {"getenv(", "modules/", {}, "ask host.config()"},
      // PATH, HOME and XDG_… are the system's, not settings of ours.
      {"getenv(",
       "src/",
       {"src/cli/", "src/supervise/"},
       "settings are read in src/cli and handed down"},
  };
  return table;
}

bool starts_with_any(const std::string& path, const std::vector<std::string>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const std::string& prefix) { return path.starts_with(prefix); });
}

/// Runs `look` on each line; a sentence that it returns is a finding.
template <typename Look>
std::vector<Finding> each_line(const Tree& tree, bool code_only, Look look) {
  std::vector<Finding> findings;
  for (const SourceFile& file : tree.files) {
    if (code_only && !file.is_code()) continue;
    const auto& lines = code_only ? file.code : file.lines;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      std::string what = look(file, lines[i]);
      if (!what.empty()) findings.push_back({file.path, i + 1, std::move(what)});
    }
  }
  return findings;
}

/// An object of a class with a destructor, by the library's usual names.
bool owns_memory(std::string_view declaration) {
  for (const char* type : {"std::string ", "std::vector<", "std::map<", "std::set<", "std::deque<",
                           "std::unordered_map<", "std::unordered_set<", "std::unique_ptr<",
                           "std::shared_ptr<", "std::function<", "nlohmann::json "}) {
    if (declaration.starts_with(type)) return true;
  }
  return false;
}

}  // namespace

std::vector<Finding> check_banned_calls(const Tree& tree) {
  return each_line(tree, true, [](const SourceFile& file, const std::string& line) -> std::string {
    for (const Banned& one : banned()) {
      if (!file.under(one.folder) || starts_with_any(file.path, one.allowed)) continue;
      if (find_word(line, one.word) != std::string::npos) {
        return one.word + " is not for here: " + one.remedy;
      }
    }
    return "";
  });
}

std::vector<Finding> check_static_objects(const Tree& tree) {
  return each_line(tree, true, [](const SourceFile& file, const std::string& line) -> std::string {
    if (!file.under("modules/")) return "";
    std::string_view rest = line;
    bool is_static = false;
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    for (bool more = true; more;) {
      more = false;
      for (const std::string_view word : {"static ", "inline ", "const ", "thread_local "}) {
        if (!rest.starts_with(word)) continue;
        is_static = is_static || word == "static " || word == "thread_local ";
        rest.remove_prefix(word.size());
        more = true;
      }
    }
    const bool at_namespace = line.find_first_not_of(' ') == 0;  // clang-format does not indent
    if (!owns_memory(rest) || (!is_static && !at_namespace)) return "";
    const std::size_t end = rest.find_first_of("(={;", rest.find_last_of('>') + 1);
    if (end == std::string_view::npos || rest[end] == '(') return "";  // a function
    return "a static object with a destructor would run after main, in a library that is never "
           "unmapped: make it constexpr, or a member of the module";
  });
}

std::vector<Finding> check_headers(const Tree& tree) {
  std::vector<Finding> findings;
  for (const SourceFile& file : tree.files) {
    if (!file.is_header()) continue;
    const auto is_guard = [&](const std::string& line) {
      return line == "#pragma once" || (file.path.ends_with(".h") && line.starts_with("#ifndef"));
    };
    if (std::any_of(file.lines.begin(), file.lines.end(), is_guard)) continue;
    findings.push_back(
        {file.path, 1, "a header without #pragma once: add it after its first words"});
  }
  return findings;
}

std::vector<Finding> check_using_namespace(const Tree& tree) {
  return each_line(tree, true, [](const SourceFile& file, const std::string& line) -> std::string {
    // Inside a function it is indented, and reaches nobody.
    if (!file.is_header() || !line.starts_with("using namespace")) return "";
    return "using namespace in a header reaches everyone who includes it: name what is meant";
  });
}

std::vector<Finding> check_machine_paths(const Tree& tree) {
  const std::string here = tree.root.generic_string();
  // A checkout at / or /src would forbid half the language.
  const bool telling = std::count(here.begin(), here.end(), '/') >= 2;
  return each_line(tree, false, [&](const SourceFile&, const std::string& line) -> std::string {
    for (const char* home : {"/home/", "/Users/"}) {
      const std::size_t at = find_word(line, home);
      if (at == std::string::npos || line[at + std::string_view(home).size()] == '"') continue;
      return std::string(home) + "… exists on one machine: write it relative to the repository";
    }
    if (!telling || line.find(here + "/") == std::string::npos) return "";
    return here + " exists on one machine: write it relative to the repository";
  });
}

std::vector<Finding> check_unfinished(const Tree& tree) {
  static const std::vector<std::string> marks = {
      std::string("TO") + "DO", std::string("FIX") + "ME", std::string("XX") + "X:"};
  return each_line(tree, false, [](const SourceFile& file, const std::string& line) -> std::string {
    if (file.path.ends_with(".md")) return "";  // in Spanish it is a word
    for (const std::string& mark : marks) {
      if (find_word(line, mark) != std::string::npos) {
        return mark + " in the sources: do it, or write it down where work is planned";
      }
    }
    return "";
  });
}

}  // namespace cleave::tidy
