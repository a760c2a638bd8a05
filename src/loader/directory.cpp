// A directory of modules: which files, opened each, then checked against each other.
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <set>

#include "loader/library.hpp"
#include "loader/order.hpp"

namespace cleave::loader {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> find_files(const fs::path& directory) {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory, ignored)) {
    if (entry.path().extension() == ".so") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string list(const std::vector<fs::path>& files) {
  std::string text;
  for (const fs::path& file : files) text += (text.empty() ? "" : ", ") + file.stem().string();
  return text.empty() ? "nothing: the directory has no module" : text;
}

/// Keeps the files that `wanted` names; a name without a file is refused.
void select(std::vector<fs::path>& files, const std::vector<std::string>& wanted,
            std::vector<Refusal>& refusals) {
  if (wanted.empty()) return;
  const std::vector<fs::path> all = files;
  files.clear();
  for (const std::string& name : wanted) {
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const fs::path& file) { return file.stem() == name; });
    if (found == all.end()) {
      refusals.push_back(
          {name, "modules", "one of " + list(all), name, "correct the name, or build the module"});
    } else if (std::find(files.begin(), files.end(), *found) == files.end()) {
      files.push_back(*found);
    }
  }
}

/// dlopen gives one and the same module for one inode, whatever its name (dlopen(3)).
void drop_same_files(std::vector<fs::path>& files, std::vector<Refusal>& refusals) {
  std::map<std::pair<dev_t, ino_t>, fs::path> seen;
  std::erase_if(files, [&](const fs::path& file) {
    struct stat status {};
    // What is wrong with a file, a link among others, is told when it is opened.
    if (lstat(file.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) return false;
    const auto [first, fresh] = seen.emplace(std::pair{status.st_dev, status.st_ino}, file);
    if (fresh) return false;
    refusals.push_back({file.filename(), "file", "each file under one name",
                        "the same file as " + first->second.filename().string(),
                        "remove one of the two names"});
    return true;
  });
}

void refuse_duplicates(std::vector<Library>& libraries, std::vector<Refusal>& refusals) {
  std::map<std::string_view, std::string> names;
  std::map<std::string_view, std::string> paths;
  std::erase_if(libraries, [&](const Library& library) {
    const std::string file = library.file.filename();
    const auto [name, new_name] = names.emplace(library.name(), file);
    if (!new_name) {
      refusals.push_back({file, "name", "a name of its own",
                          std::string(library.name()) + ", which " + name->second + " has too",
                          "rename one of the two modules, or remove one file"});
      return true;
    }
    if (library.module->path == nullptr) return false;
    const auto [path, new_path] = paths.emplace(library.module->path, file);
    if (!new_path) {
      refusals.push_back(
          {file, "path", "a path of its own",
           std::string(library.module->path) + ", which " + path->second + " serves too",
           "change kPath of one of the two modules"});
    }
    return false;
  });
}

/// A host need not fail for a module that it does not run.
void open_elsewhere(const fs::path& directory, const std::vector<std::string>& names,
                    Loaded& loaded) {
  std::vector<fs::path> files = find_files(directory);
  std::erase_if(files, [&](const fs::path& file) {
    return std::find(names.begin(), names.end(), file.stem()) == names.end();
  });
  std::set<std::string> crashed;
  for (const Refusal& refusal : preflight(files)) crashed.insert(refusal.subject);
  const auto known = [&](const Library& library) {
    const auto same = [&](const Library& other) { return other.name() == library.name(); };
    return std::any_of(loaded.libraries.begin(), loaded.libraries.end(), same) ||
           std::any_of(loaded.elsewhere.begin(), loaded.elsewhere.end(), same);
  };
  for (const fs::path& file : files) {
    if (crashed.contains(file.filename())) continue;
    auto opened = open_library(file);
    auto* library = std::get_if<Library>(&opened);
    if (library != nullptr && !known(*library)) loaded.elsewhere.push_back(std::move(*library));
  }
}

}  // namespace

Loaded load_directory(const fs::path& directory, const std::vector<std::string>& wanted,
                      const std::vector<std::string>& elsewhere) {
  Loaded loaded;
  std::vector<fs::path> files = find_files(directory);
  select(files, wanted, loaded.refusals);
  drop_same_files(files, loaded.refusals);
  std::set<std::string> crashed;
  for (Refusal& refusal : preflight(files)) {
    crashed.insert(refusal.subject);
    loaded.refusals.push_back(std::move(refusal));
  }
  for (const fs::path& file : files) {
    if (crashed.contains(file.filename())) continue;
    auto opened = open_library(file);
    if (auto* library = std::get_if<Library>(&opened)) {
      loaded.libraries.push_back(std::move(*library));
      continue;
    }
    for (Refusal& refusal : std::get<1>(opened)) loaded.refusals.push_back(std::move(refusal));
  }
  refuse_duplicates(loaded.libraries, loaded.refusals);
  sort_by_dependencies(loaded.libraries, elsewhere, loaded.refusals);
  if (!elsewhere.empty()) open_elsewhere(directory, elsewhere, loaded);
  return loaded;
}

}  // namespace cleave::loader
