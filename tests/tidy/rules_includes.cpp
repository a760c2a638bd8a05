#include <map>

#include "tidy/rules.hpp"

namespace cleave::tidy {
namespace {

/// A room may include itself and the rooms on lower floors.
const std::map<std::string, int>& floors() {
  static const std::map<std::string, int> table = {
      {"cleave", 0},                  // include/cleave, the public face
      {"sdk", 1},      {"io", 1},     //
      {"observe", 2},                 //
      {"postgres", 3}, {"redis", 3},  //
      {"router", 4},                  //
      {"http", 5},     {"supervise", 5}, {"loader", 5}, {"host", 6},  //
      {"cli", 7},                                                     //
      {"main", 8},
  };
  return table;
}

/// What stands between quotes or angle brackets; empty when the line includes nothing.
std::string included(const std::string& line) {
  if (!line.starts_with("#include")) return "";
  const std::size_t begin = line.find_first_of("\"<");
  const std::size_t end = line.find_last_of("\">");
  return begin == std::string::npos || end <= begin ? "" : line.substr(begin + 1, end - begin - 1);
}

std::string first_folder(const std::string& path) {
  const std::size_t slash = path.find('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

/// The room a file belongs to; empty for tests and everything else that may include all.
std::string room_of(const SourceFile& file) {
  if (file.under("include/cleave/")) return "cleave";
  if (file.under("modules/")) return "modules";
  if (!file.under("src/")) return "";
  const std::string room = first_folder(file.path.substr(4));
  return room.empty() ? "main" : room;
}

std::string refusal(const std::string& room, const std::string& name) {
  const std::string target = first_folder(name);
  const auto to = floors().find(target);
  if (target.empty() || to == floors().end() || target == room) return "";
  if (room == "modules") {
    if (target == "cleave") return "";
    return "a module includes only cleave/… and its own headers, not " + name +
           ": what it needs from the host it asks of cleave::Host";
  }
  const auto from = floors().find(room);
  if (from == floors().end()) {
    return "src/" + room + " is not in the table of floors; add it to tests/tidy";
  }
  if (to->second < from->second) return "";
  return room + " may not include " + name + ", which does not stand below it: move what is " +
         "shared to a lower floor, or take it as a function or an interface";
}

struct Library {
  std::string header;                // begins with
  std::vector<std::string> allowed;  // paths begin with
  std::string remedy;
};

const std::vector<Library>& libraries() {
  static const std::vector<Library> table = {
      {"httplib.h", {"src/http/"}, "HTTP goes through src/http"},
      {"spdlog/", {"src/observe/log.cpp"}, "log by observe/log.hpp; a module by host.log()"},
      {"prometheus/", {"src/observe/metrics.cpp"}, "count by observe/metrics.hpp"},
      {"hiredis", {"src/redis/", "tests/redis/"}, "the cache goes through src/redis"},
      {"libpq-fe.h",
       {"src/postgres/", "src/supervise/", "tests/postgres/", "tests/supervise/",
        "tests/conformance/"},
       "databases go through src/postgres; a module asks host.query()"},
      {"CLI/", {"src/cli/"}, "settings are read in src/cli and handed down"},
      {"nlohmann/", {"src/", "modules/", "tests/"}, "the public headers stay free of libraries"},
      {"boost/", {"src/io/"}, "fibers go through src/io"},
  };
  return table;
}

bool is_allowed(const Library& library, const std::string& path) {
  for (const std::string& prefix : library.allowed) {
    if (path.starts_with(prefix)) return true;
  }
  return false;
}

}  // namespace

std::vector<Finding> check_floors(const Tree& tree) {
  std::vector<Finding> findings;
  for (const SourceFile& file : tree.files) {
    const std::string room = room_of(file);
    if (room.empty() || !file.is_code()) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string why = refusal(room, included(file.lines[i]));
      if (!why.empty()) findings.push_back({file.path, i + 1, why});
    }
  }
  return findings;
}

std::vector<Finding> check_libraries(const Tree& tree) {
  std::vector<Finding> findings;
  for (const SourceFile& file : tree.files) {
    if (!file.is_code()) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string name = included(file.lines[i]);
      for (const Library& library : libraries()) {
        if (!name.starts_with(library.header) || is_allowed(library, file.path)) continue;
        findings.push_back({file.path, i + 1, "<" + name + "> is not for here: " + library.remedy});
      }
    }
  }
  return findings;
}

}  // namespace cleave::tidy
