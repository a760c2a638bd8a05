#include <algorithm>
#include <cctype>

#include "tidy/rules.hpp"

namespace cleave::tidy {
namespace {

/// Levels of the headings in order, such as {1, 2, 2, 3}; code blocks do not count.
std::vector<std::size_t> heading_levels(const SourceFile& file) {
  std::vector<std::size_t> levels;
  bool fenced = false;
  for (const std::string& line : file.lines) {
    if (line.starts_with("```")) fenced = !fenced;
    if (fenced || !line.starts_with("#")) continue;
    levels.push_back(line.find_first_not_of('#'));
  }
  return levels;
}

bool has_line(const SourceFile& file, const std::string& text) {
  return std::find(file.lines.begin(), file.lines.end(), text) != file.lines.end();
}

/// NNN_what.sql
bool is_migration(const std::string& name) {
  return name.size() > 8 && name.ends_with(".sql") && name[3] == '_' &&
         std::all_of(name.begin(), name.begin() + 3,
                     [](unsigned char c) { return std::isdigit(c) != 0; });
}

void check_files_of(const Tree& tree, const std::string& module, std::vector<Finding>& findings) {
  const std::string folder = "modules/" + module + "/";
  for (const std::string& name : {std::string("CMakeLists.txt"), std::string("README.md"),
                                  std::string("module.cpp"), module + ".hpp"}) {
    if (tree.find(folder + name) != nullptr) continue;
    findings.push_back(
        {folder + name, 0, "is missing: every module has it (modules/user shows it)"});
  }
  for (const SourceFile& file : tree.files) {
    if (!file.under(folder) || !file.is_code()) continue;
    const std::string name = file.path.substr(folder.size());
    const bool named =
        name == "module.cpp" || name.starts_with(module + "_") || name.starts_with(module + ".");
    if (named) continue;
    findings.push_back({file.path, 0, "name it after its module: " + module + "_<part>"});
  }
}

}  // namespace

std::vector<Finding> check_module_readme(const Tree& tree) {
  std::vector<Finding> findings;
  for (const std::string& module : tree.folders("modules")) {
    const SourceFile* readme = tree.find("modules/" + module + "/README.md");
    if (readme == nullptr) continue;  // another rule's
    for (const char* heading :
         {"Name", "Routes", "Depends on", "Config", "Tables", "Ready", "Errors"}) {
      if (has_line(*readme, "## " + std::string(heading))) continue;
      findings.push_back({readme->path, 0, "has no heading \"## " + std::string(heading) + "\""});
    }
  }
  return findings;
}

std::vector<Finding> check_module_files(const Tree& tree) {
  std::vector<Finding> findings;
  for (const std::string& module : tree.folders("modules")) check_files_of(tree, module, findings);
  for (const SourceFile& file : tree.files) {
    if (!file.under("sql/") || !file.path.ends_with(".sql")) continue;
    const std::string name = file.path.substr(file.path.rfind('/') + 1);
    if (is_migration(name)) continue;
    findings.push_back({file.path, 0, "name it NNN_what.sql: migrations run in that order"});
  }
  return findings;
}

std::vector<Finding> check_readme_languages(const Tree& tree) {
  const SourceFile* english = tree.find("README.md");
  const SourceFile* spanish = tree.find("README.es.md");
  if (english == nullptr || spanish == nullptr) return {};
  if (heading_levels(*english) == heading_levels(*spanish)) return {};
  return {{spanish->path, 0,
           "its headings differ from README.md's in number or level: the two say the same"}};
}

}  // namespace cleave::tidy
