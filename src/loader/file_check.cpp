#include "loader/file_check.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>

#include "loader/elf.hpp"
#include "loader/imports.hpp"

namespace cleave::loader {
namespace {

namespace fs = std::filesystem;

std::string octal(mode_t mode) {
  char text[16];
  std::snprintf(text, sizeof text, "%04o", mode & 07777U);
  return text;
}

std::string kind(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISLNK(mode)) return "a link";  // who may change what it points to is not seen here
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

bool trusted(uid_t owner) {
  return owner == 0 || owner == geteuid();
}

/// Who may write the directory may put another file under the name.
std::optional<Refusal> check_folder(const std::string& name, const fs::path& folder) {
  struct stat status {};
  if (stat(folder.c_str(), &status) != 0 || (status.st_mode & S_IWOTH) != 0) {
    return Refusal{name, "directory mode", "not writable by others", octal(status.st_mode),
                   "chmod o-w '" + folder.string() + "', or keep modules elsewhere"};
  }
  if (!trusted(status.st_uid)) {
    return Refusal{name, "directory owner", "root or this user",
                   "uid " + std::to_string(status.st_uid),
                   "chown '" + folder.string() + "', or keep modules elsewhere"};
  }
  return std::nullopt;
}

/// That it is whole, and lets out one symbol: with RTLD_LOCAL others would do no harm, but they
/// show that it was linked without care for what it shares.
std::optional<Refusal> check_symbols(const std::string& name, const fs::path& real) {
  bool entry = false;
  std::string more;
  try {
    const ElfFile elf(real);
    for (const ElfFile::Symbol& symbol : elf.dynamic_symbols()) {
      if (!symbol.defined || is_instrumentation(symbol.name)) continue;
      if (symbol.name == "cleave_module_v1") {
        entry = true;
      } else {
        more = symbol.name;
      }
    }
  } catch (const std::runtime_error& problem) {
    return Refusal{name, "file format", "a shared library of this machine, whole", problem.what(),
                   "build or copy the module again"};
  }
  if (!entry || more.empty()) return std::nullopt;  // without the entry it is no module at all
  return Refusal{name, "exports", "only cleave_module_v1", more + " too",
                 "link it with the version script that cleave_module() uses"};
}

}  // namespace

std::optional<Refusal> check_file(const fs::path& file, fs::path& real) {
  const std::string name = file.filename();
  struct stat status {};
  if (lstat(file.c_str(), &status) != 0) {
    return Refusal{name, "file", "a module file", "nothing at " + file.string(),
                   "check the path, or build the module"};
  }
  if (!S_ISREG(status.st_mode)) {
    return Refusal{name, "file", "a regular file", kind(status.st_mode),
                   "put only module files under names that end in .so"};
  }
  std::error_code error;
  real = fs::canonical(file, error);  // its directory may be reached by a link
  const std::string quoted = "'" + real.string() + "'";
  if (!trusted(status.st_uid)) {
    return Refusal{name, "file owner", "root or this user", "uid " + std::to_string(status.st_uid),
                   "chown " + quoted + ", once you know what is in it"};
  }
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return Refusal{name, "file mode", "not writable by group or others", octal(status.st_mode),
                   "chmod go-w " + quoted};
  }
  if (auto refusal = check_folder(name, real.parent_path())) return refusal;
  return check_symbols(name, real);
}

}  // namespace cleave::loader
